import CPNG
import CTurboJPEG
import PinionBase

/// Pixels of 8 bits a channel, rows from top to bottom, channels side by side: grey, RGB or RGBA.
package struct Picture {
  package let width: Int
  package let height: Int
  package let channels: Int
  let pixels: Buffer

  /// Pictures beyond this many bytes are refused: the announced size alone would fill the memory.
  private static let byteLimit = 1 << 28

  /// The bytes of a picture of this size. Throws where that is none, or too many.
  static func byteCount(width: Int, height: Int, channels: Int) throws(PinionError) -> Int {
    guard width > 0, height > 0 else { throw .invalidValue("a picture of \(width) x \(height)") }
    let count = try width.multiplied(by: height).multiplied(by: channels)
    guard count <= Picture.byteLimit else { throw .unsupported("a picture of \(width) x \(height)") }
    return count
  }

  init(width: Int, height: Int, channels: Int) throws(PinionError) {
    let count = try Picture.byteCount(width: width, height: height, channels: channels)
    self.width = width
    self.height = height
    self.channels = channels
    pixels = try Allocator.system.buffer(bytes: count)
  }

  var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: pixels.pointer, count: width &* height &* channels) }

  /// Decodes a PNG or JPEG file, which its first bytes tell apart.
  ///
  /// Transparent pixels of a PNG are laid over white where no alpha channel is asked for. An orientation in EXIF data is not applied.
  /// - Parameter channels: 1, 3 or 4.
  /// - Throws: `.invalidValue` for a damaged file, `.unsupported` for other formats.
  package init(decoding file: FileMapping, channels: Int) throws(PinionError) {
    guard channels == 1 || channels == 3 || channels == 4 else {
      throw .invalidArgument("a picture of \(channels) channels; expected 1, 3 or 4")
    }
    if file.bytes.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
      self = try Picture(png: file, channels: channels)
    } else if file.bytes.starts(with: [0xff, 0xd8]) {
      self = try Picture(jpeg: file, channels: channels)
    } else {
      throw .unsupported("'\(file.name)' is neither a PNG nor a JPEG file")
    }
  }

  private init(png file: FileMapping, channels: Int) throws(PinionError) {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    defer { png_image_free(&image) }
    guard png_image_begin_read_from_memory(&image, file.bytes.baseAddress, file.bytes.count) != 0 else {
      throw .invalidValue("'\(file.name)' cannot be decoded: \(image.text)")
    }
    switch channels {
    case 1: image.format = 0
    case 3: image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
    default: image.format = UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
    }
    try self.init(width: Int(image.width), height: Int(image.height), channels: channels)
    var white = png_color(red: 255, green: 255, blue: 255)
    guard png_image_finish_read(&image, &white, bytes.baseAddress, Int32(clamping: width &* channels), nil) != 0 else {
      throw .invalidValue("'\(file.name)' cannot be decoded: \(image.text)")
    }
  }

  private init(jpeg file: FileMapping, channels: Int) throws(PinionError) {
    guard let decoder = tjInitDecompress() else { throw PinionError(.outOfMemory, "cannot make a JPEG decoder") }
    defer { tjDestroy(decoder) }
    var failure: PinionError { .invalidValue("'\(file.name)' cannot be decoded: \(String(cString: tjGetErrorStr2(decoder)))") }
    let start = file.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let count = UInt(file.bytes.count)
    var width: Int32 = 0, height: Int32 = 0, sampling: Int32 = 0, space: Int32 = 0
    guard tjDecompressHeader3(decoder, start, count, &width, &height, &sampling, &space) == 0 else { throw failure }
    try self.init(width: Int(width), height: Int(height), channels: channels)
    let format = channels == 1 ? TJPF_GRAY : channels == 3 ? TJPF_RGB : TJPF_RGBA
    let target = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    guard tjDecompress2(decoder, start, count, target, width, 0, height, Int32(format.rawValue), TJFLAG_STOPONWARNING) == 0 else {
      throw failure
    }
  }
}

extension png_image {
  /// The library's word on what went wrong.
  fileprivate var text: String {
    withUnsafeBytes(of: message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
