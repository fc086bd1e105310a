import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

/// Pictures of Tests/CPictures/pictures.py: 7 columns, 5 rows, red 30 x + 10 y, green 255 - 40 y, blue 9 x y.
@Suite struct ImageDecoderTests {
  private static let picture: [UInt8] = {
    var bytes: [UInt8] = []
    for y in 0..<5 {
      for x in 0..<7 {
        bytes.append(UInt8(30 * x + 10 * y))
        bytes.append(UInt8(255 - 40 * y))
        bytes.append(UInt8(9 * x * y))
      }
    }
    return bytes
  }()
  /// The red of the picture alone, a byte a pixel.
  private static let red: [UInt8] = (0..<35).map { picture[3 * $0] }

  private func repeated(_ gray: [UInt8]) -> [UInt8] { gray.flatMap { [$0, $0, $0] } }

  private func file(_ name: String) throws -> [UInt8] {
    let root = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 }
    let file = try #require(fopen("\(root)/Tests/CPictures/pictures/\(name)", "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes[..<count])
  }

  private func decode(_ bytes: [UInt8], _ format: String = "RGB") throws -> Tensor {
    try evaluate("ImageDecoder", attributes: ["pixel_format": .string(format)], [try Tensor(vector: bytes)])
  }

  @Test(arguments: [
    "rgb.bmp", "alpha.bmp", "palette.bmp", "rgb.ppm", "rgb.png", "alpha.png", "palette.png", "lossless.webp", "plain.tiff", "lzw.tiff",
    "deflate-alpha.tiff", "turned.tiff", "rgb.jp2", "alpha.jp2", "stream.j2k",
  ]) func formatsThatLoseNothing(name: String) throws {
    try expect(try decode(try file(name)), ImageDecoderTests.picture, [5, 7, 3])
  }

  @Test(arguments: ["gray.bmp", "gray.pgm", "gray16.png", "gray16.tiff"]) func grayIsRepeated(name: String) throws {
    try expect(try decode(try file(name)), repeated(ImageDecoderTests.red), [5, 7, 3])
    try expect(try decode(try file(name), "Grayscale"), ImageDecoderTests.red, [5, 7, 1])
  }

  @Test(arguments: ["bits.pbm", "fax.tiff"]) func blackAndWhite(name: String) throws {
    let bits: [UInt8] = ImageDecoderTests.red.map { $0 >= 128 ? 255 : 0 }
    try expect(try decode(try file(name)), repeated(bits), [5, 7, 3])
  }

  /// At quality 100 the quantisation steps are 1: the error is that of three roundings, of colours and transforms.
  @Test func jpeg() throws {
    for (name, expected) in [("smooth.jpg", ImageDecoderTests.picture), ("gray.jpg", repeated(ImageDecoderTests.red)), ("inks.jpg", ImageDecoderTests.picture)] {
      let image = try decode(try file(name))
      #expect(image.shape.dims == [5, 7, 3])
      for (got, wanted) in zip(try image.elements(as: UInt8.self), expected) { #expect(abs(Int(got) - Int(wanted)) <= 3, "\(name)") }
    }
  }

  @Test func lossyFormatsHaveTheSize() throws {
    for name in ["progressive.jpg", "jpeg.tiff", "lossy.webp", "lossy.jp2"] { #expect(try decode(try file(name)).shape.dims == [5, 7, 3]) }
  }

  @Test func channels() throws {
    let rgb = ImageDecoderTests.picture
    var reversed: [UInt8] = []
    var gray: [UInt8] = []
    for pixel in 0..<35 {
      let color = Array(rgb[3 * pixel..<3 * pixel + 3])
      reversed += color.reversed()
      // ITU-R BT.601.
      let luma: Double = 0.299 * Double(color[0]) + 0.587 * Double(color[1]) + 0.114 * Double(color[2])
      gray.append(UInt8(luma.rounded()))
    }
    try expect(try decode(try file("rgb.png"), "BGR"), reversed, [5, 7, 3])
    try expect(try decode(try file("rgb.png"), "Grayscale"), gray, [5, 7, 1])
    #expect { try decode([], "CMYK") } throws: { ($0 as? PinionError)?.code == .invalidModel }
  }

  @Test func portableMapsByHand() throws {
    let cases: [(String, [UInt8], [Int])] = [
      ("P1 # bits\n3 2\n1 0 1\n011", [0, 255, 0, 255, 0, 0], [2, 3, 3]),
      // Of 15: 17 each.
      ("P2\n# gray\n2 1 15 0 9", [0, 153], [1, 2, 3]),
      ("P5 2 1 255\n\u{1}\u{7f}", [1, 127], [1, 2, 3]),
      // 16 bits: 0x0100 and 0x7f7f of 65535.
      ("P5 2 1 65535\n\u{1}\u{0}\u{7f}\u{7f}", [1, 127], [1, 2, 3]),
    ]
    for (text, gray, dims) in cases { try expect(try decode(Array(text.utf8)), repeated(gray), dims) }
    let colors: [UInt8] = [1, 2, 3, 4, 5, 6]
    try expect(try decode(Array("P3 1 2 255 1 2 3 4 5 6".utf8)), colors, [2, 1, 3])
    for broken in ["P5 2 1 255\n\u{1}", "P2 1 1 3 4", "P6 0 1 255\n", "P5 1 1 70000\n\u{1}\u{1}", "P5 1 1", "P5 99999999999 1 255\n\u{1}", "P7\n"] {
      try expect(try decode(Array(broken.utf8)), [UInt8](), [0, 0, 3])
    }
  }

  private func little(_ value: Int, _ bytes: Int = 4) -> [UInt8] { (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// A bitmap with a header of 40 bytes.
  private func bitmap(_ width: Int, _ height: Int, bits: Int, compression: Int = 0, colors: [UInt8] = [], _ pixels: [UInt8]) -> [UInt8] {
    let start = 54 + colors.count
    var bytes = Array("BM".utf8)
    for number in [start + pixels.count, 0, start, 40, width, height] { bytes += little(number) }
    for number in [1, bits] { bytes += little(number, 2) }
    for number in [compression, pixels.count, 0, 0, bits <= 8 ? colors.count / 4 : 0, 0] { bytes += little(number) }
    return bytes + colors + pixels
  }

  @Test func bitmapsByHand() throws {
    let palette: [UInt8] = [3, 2, 1, 0, 6, 5, 4, 0, 9, 8, 7, 0]
    func check(_ bytes: [UInt8], _ colors: [[UInt8]], _ dims: [Int]) throws { try expect(try decode(bytes), colors.flatMap { $0 }, dims) }
    let a: [UInt8] = [1, 2, 3], b: [UInt8] = [4, 5, 6], c: [UInt8] = [7, 8, 9], black: [UInt8] = [0, 0, 0]
    // Rows from below, in 4 bytes.
    try check(bitmap(2, 2, bits: 8, colors: palette, [0, 1, 0, 0, 2, 9, 0, 0]), [c, black, a, b], [2, 2, 3])
    try check(bitmap(2, -2, bits: 8, colors: palette, [0, 1, 0, 0, 2, 2, 0, 0]), [a, b, c, c], [2, 2, 3])
    try check(bitmap(3, 1, bits: 4, colors: palette, [0x01, 0x20, 0, 0]), [a, b, c], [1, 3, 3])
    try check(bitmap(3, 1, bits: 1, colors: palette, [0b0100_0000, 0, 0, 0]), [a, b, a], [1, 3, 3])
    // A run, a literal stretch of 3 with its padding, the end of the row; a jump; a run; the end.
    let runs: [UInt8] = [2, 1, 0, 3, 2, 0, 2, 0, 0, 0, 0, 2, 1, 0, 1, 2, 0, 1]
    try check(bitmap(5, 2, bits: 8, compression: 1, colors: palette, runs), [a, c, a, a, a, b, b, c, a, c], [2, 5, 3])
    try check(bitmap(4, 1, bits: 4, compression: 2, colors: palette, [3, 0x12, 1, 0x20, 0, 1]), [b, c, b, c], [1, 4, 3])
    // 5 bits of each colour, and masks of 5, 6 and 5 bits.
    try check(bitmap(1, 1, bits: 16, little(0x7c00 | 16 << 5 | 1)), [[255, 132, 8]], [1, 1, 3])
    let masks = little(0xf800) + little(0x07e0) + little(0x001f)
    try check(bitmap(1, 1, bits: 16, compression: 3, colors: masks, little(0xf800 | 32 << 5 | 1)), [[255, 130, 8]], [1, 1, 3])
    try check(bitmap(1, 1, bits: 32, [3, 2, 1, 200]), [a], [1, 1, 3])
    // The header of OS/2.
    var old = Array("BM".utf8)
    for number in [0, 0, 26, 12] { old += little(number) }
    for number in [1, 1, 1, 24] { old += little(number, 2) }
    try check(old + [3, 2, 1, 0], [a], [1, 1, 3])
    var broken = [Array("BM".utf8)]
    let pixel: [UInt8] = [0, 0, 0, 0]
    broken.append(bitmap(2, 3, bits: 24, pixel))
    broken.append(bitmap(0, 1, bits: 24, pixel))
    broken.append(bitmap(1, Int(Int32.min), bits: 24, pixel))
    broken.append(bitmap(1, 1, bits: 7, pixel))
    broken.append(bitmap(1, 1, bits: 24, compression: 4, pixel))
    broken.append(bitmap(2, 1, bits: 8, compression: 1, colors: palette, [3, 0, 0, 1]))
    broken.append(bitmap(2, 2, bits: 8, compression: 1, colors: palette, [2, 0]))
    for bytes in broken { try check(bytes, [], [0, 0, 3]) }
  }

  /// As ONNX has it: an empty image for what cannot be decoded.
  @Test func whatIsNoPictureIsEmpty() throws {
    try expect(try decode([]), [UInt8](), [0, 0, 3])
    try expect(try decode(Array("GIF89a".utf8), "Grayscale"), [UInt8](), [0, 0, 1])
    for name in ["rgb.bmp", "rgb.ppm", "rgb.png", "smooth.jpg", "lossless.webp", "lzw.tiff", "rgb.jp2"] {
      let bytes = try file(name)
      try expect(try decode(Array(bytes[..<(bytes.count / 2)])), [UInt8](), [0, 0, 3])
    }
  }

  private func run(_ bytes: [UInt8], bytes budget: Int? = nil) throws -> Tensor {
    var graph = Graph()
    let stream = graph.addValue("stream"), image = graph.addValue("image")
    graph.inputs = [stream]
    graph.outputs = [image]
    graph.nodes = [try OperatorCatalog().node("ImageDecoder", inputs: [stream], outputs: [image])]
    let op = graph.nodes[0].op
    var limits = RunLimits()
    limits.bytes = budget
    let context = EagerContext(
      allocator: .system, control: RunControl(limits), outputCount: 1, subgraphs: nil,
      executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
    return try CPUBackend().execute(op, [.tensor(try Tensor(vector: bytes))], context)[0].asTensor()
  }

  @Test func thePixelsAreCountedBeforeTheyAreDecoded() throws {
    // The size is bytes 16 to 23 of a PNG file.
    var bytes = try file("rgb.png")
    bytes.replaceSubrange(16..<24, with: [0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60])
    #expect { try run(bytes) } throws: { ($0 as? PinionError)?.code == .budgetExceeded && "\($0)".contains("60000 x 60000") }
    // 4000 x 4000 are as many as any file may have, and 48 MB.
    bytes.replaceSubrange(16..<24, with: [0, 0, 0x0f, 0xa0, 0, 0, 0x0f, 0xa0])
    #expect { try run(bytes, bytes: 40 << 20) } throws: { ($0 as? PinionError)?.code == .budgetExceeded && "\($0)".contains("budget") }
    let small = try file("rgb.png")
    #expect(try run(small, bytes: 4096).shape.dims == [5, 7, 3])
    #expect { try run(small, bytes: 128) } throws: { ($0 as? PinionError)?.code == .budgetExceeded }
  }

  @Test func otherInputsAreRefused() throws {
    for input in [try Tensor(vector: [Int8](repeating: 0, count: 4)), try tensor([UInt8](repeating: 0, count: 4), [2, 2])] {
      #expect { try evaluate("ImageDecoder", [input]) } throws: { ($0 as? PinionError)?.code == .invalidShape }
    }
  }
}
