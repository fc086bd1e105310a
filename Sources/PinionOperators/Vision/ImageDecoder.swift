import CPictures
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Decodes a file of a picture to height x width x channels of 8 bits.
///
/// The format is what the first bytes say: BMP, JPEG, JPEG 2000, TIFF, PNG, WebP or a portable any map. Bytes that are no such picture, or a
/// damaged one, give an empty image, as ONNX has it. Alpha is left out; numbers of more than 8 bits keep the upper ones.
package struct ImageDecoder: EagerExecutable {
  package static let schema = Schema("ImageDecoder", since: 20, inputs: ["encoded_stream: uint8"], outputs: ["image: uint8"])

  enum PixelFormat: String, CaseIterable {
    case rgb = "RGB", bgr = "BGR", grayscale = "Grayscale"
  }

  /// A file of few bytes may describe a picture of very many pixels. That many are decoded in any case; beyond, each byte is good for so many.
  static let freePixels = 1 << 26
  static let pixelsPerByte = 1 << 10

  let format: PixelFormat

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    format = try attributes.choice("pixel_format", default: .rgb)
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.uint8, [nil, nil, format == .grayscale ? 1 : 3])] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let stream = try inputs.first??.asTensor() else { throw .invalidModel("input 'encoded_stream' is missing") }
    guard stream.shape.rank == 1 else {
      throw .invalidShape("input 'encoded_stream' is \(stream.type), expected rank 1")
    }
    let channels = format == .grayscale ? 1 : 3
    let bytes = stream.data.assumingMemoryBound(to: UInt8.self)
    var picture = cp_picture()
    guard stream.count > 0, try isRight(cp_open(bytes, stream.count, &picture), picture) else {
      return [.tensor(try context.allocate(.uint8, [0, 0, channels]))]
    }
    let (height, width) = (Int(picture.height), Int(picture.width))
    let pixels = try height.multiplied(by: width)
    guard pixels <= ImageDecoder.freePixels || pixels / ImageDecoder.pixelsPerByte <= stream.count else {
      throw PinionError(
        .budgetExceeded, "the picture has \(width) x \(height) pixels in \(stream.count) bytes, expected at most \(ImageDecoder.pixelsPerByte) a byte")
    }
    try context.control.check()
    let work = Int(picture.work_bytes)
    try context.control.takeBytes(work)
    defer { context.control.giveBytes(work) }
    let colors = try context.allocate(.uint8, [height, width, 3])
    let rgb = colors.data.assumingMemoryBound(to: UInt8.self)
    guard try isRight(cp_decode(bytes, stream.count, &picture, rgb), picture) else {
      return [.tensor(try context.allocate(.uint8, [0, 0, channels]))]
    }
    try context.control.check()
    switch format {
    case .rgb: return [.tensor(colors)]
    case .bgr:
      for pixel in 0..<pixels {
        let first = rgb + 3 &* pixel
        (first[0], first[2]) = (first[2], first[0])
      }
      return [.tensor(colors)]
    case .grayscale:
      let image = try context.allocate(.uint8, [height, width, 1])
      let gray = image.data.assumingMemoryBound(to: UInt8.self)
      for pixel in 0..<pixels { gray[pixel] = ImageDecoder.luma(rgb + 3 &* pixel) }
      return [.tensor(image)]
    }
  }

  /// False for what is no picture.
  private func isRight(_ status: cp_status, _ picture: cp_picture) throws(PinionError) -> Bool {
    switch status {
    case CP_OK: return true
    case CP_NO_LIBRARY:
      throw .unsupported(
        "pictures of this format need \(String(cString: picture.library)) (in Debian the package \(String(cString: picture.package))), "
          + "which is not installed or too old")
    case CP_NO_MEMORY: throw .outOfMemory(bytes: Int(picture.work_bytes))
    default: return false
    }
  }

  /// 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) in 16 bits of fraction, rounded.
  private static func luma(_ rgb: UnsafePointer<UInt8>) -> UInt8 {
    UInt8(truncatingIfNeeded: (19595 &* UInt32(rgb[0]) &+ 38470 &* UInt32(rgb[1]) &+ 7471 &* UInt32(rgb[2]) &+ 32768) >> 16)
  }
}
