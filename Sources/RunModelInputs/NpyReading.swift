import PinionBase
import PinionTensor

extension Tensor {
  /// Reads a .npy file.
  /// - Parameter expected: the element type that bytes without a NumPy type of their own have (bfloat16 and narrower).
  /// - Throws: `.invalidValue` for a damaged file, `.unsupported` for types that no tensor has, `.outOfMemory`.
  package init(npy bytes: UnsafeRawBufferPointer, name: String, expected: ElementType?) throws(PinionError) {
    let header = try NpyHeader(parsing: bytes, name: name)
    let width = try header.width()
    let byteCount = try header.shape.count.multiplied(by: width)
    guard width > 0 || byteCount == header.shape.count else { throw .invalidValue("'\(name)' has elements of no bytes") }
    let source = try BinaryFields(bytes: bytes, name: name).slice(offset: header.dataOffset, count: byteCount)
    switch header.scalar {
    case .unicode(let count): self = try Tensor.strings(header, width: width) { header.unicode(source, at: $0, count: count) }
    case .bytes: self = try Tensor.strings(header, width: width) { Tensor.trimmed(source[$0..<$0 + width]) }
    case .number(let element): self = try Tensor(npy: source, element, header)
    case .opaque(let width):
      guard let expected, expected.byteWidth == width, !NpyHeader.numbers.values.contains(expected) else {
        throw .unsupported("'\(name)' holds elements of \(width) bytes without a type; that is right for bfloat16 and narrower types alone")
      }
      self = try Tensor(npy: source, expected, header)
    }
  }

  private init(npy source: UnsafeRawBufferPointer, _ element: ElementType, _ header: NpyHeader) throws(PinionError) {
    try self.init(TensorType(element, header.shape))
    let width = element.byteWidth
    if let base = source.baseAddress {
      if header.isFortranOrder, header.shape.rank > 1 {
        var order = FortranOrder(header.shape)
        for index in 0..<header.shape.count {
          (data + index &* width).copyMemory(from: base + order.next() &* width, byteCount: width)
        }
      } else {
        data.copyMemory(from: base, byteCount: source.count)
      }
    }
    if header.isBigEndian { swapBytes(width: element == .complex64 || element == .complex128 ? width / 2 : width) }
    normalizeBits()
  }

  private func swapBytes(width: Int) {
    guard width > 1 else { return }
    let bytes = UnsafeMutableRawBufferPointer(start: data, count: byteCount)
    for start in stride(from: 0, to: bytes.count, by: width) {
      for offset in 0..<(width / 2) { bytes.swapAt(start + offset, start + width - 1 - offset) }
    }
  }

  /// A tensor with a copy of `bytes`, elements as they are in memory. Throws `.invalidArgument` for another number of bytes, and strings.
  package init(copying bytes: UnsafeRawBufferPointer, _ type: TensorType) throws(PinionError) {
    guard type.element != .string, bytes.count == type.byteCount else {
      throw .invalidArgument("\(bytes.count) bytes for \(type), which takes \(type.byteCount)")
    }
    try self.init(type)
    if let base = bytes.baseAddress { data.copyMemory(from: base, byteCount: bytes.count) }
    normalizeBits()
  }

  /// Gives bytes of which only some bits count the form that kernels expect.
  func normalizeBits() {
    let bytes = UnsafeMutableRawBufferPointer(start: data, count: byteCount)
    switch element {
    case .bool: for index in bytes.indices { bytes[index] = bytes[index] == 0 ? 0 : 1 }
    case .uint4, .float4e2m1: for index in bytes.indices { bytes[index] &= 0xf }
    case .uint2: for index in bytes.indices { bytes[index] &= 3 }
    case .int4: for index in bytes.indices { bytes[index] = UInt8(bitPattern: Int8(bitPattern: bytes[index] << 4) >> 4) }
    case .int2: for index in bytes.indices { bytes[index] = UInt8(bitPattern: Int8(bitPattern: bytes[index] << 6) >> 6) }
    default: break
    }
  }

  private static func strings(_ header: NpyHeader, width: Int, _ read: (Int) -> [UInt8]) throws(PinionError) -> Tensor {
    var order = FortranOrder(header.shape)
    let strings = (0..<header.shape.count).map { read((header.isFortranOrder ? order.next() : $0) &* width) }
    return try Tensor(utf8: strings, header.shape)
  }

  private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
    Array(bytes.prefix(bytes.lastIndex { $0 != 0 }.map { $0 - bytes.startIndex + 1 } ?? 0))
  }
}

extension NpyHeader {
  /// The string whose code points begin at `offset`, as UTF-8; what is no code point becomes U+FFFD.
  fileprivate func unicode(_ source: UnsafeRawBufferPointer, at offset: Int, count: Int) -> [UInt8] {
    var scalars = String.UnicodeScalarView()
    var zeros = 0
    for index in 0..<count {
      let unit = source.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self)
      let value = isBigEndian ? UInt32(bigEndian: unit) : UInt32(littleEndian: unit)
      guard value != 0 else {
        zeros += 1
        continue
      }
      for _ in 0..<zeros { scalars.append("\0") }
      zeros = 0
      scalars.append(Unicode.Scalar(value) ?? "\u{fffd}")
    }
    return Array(String(scalars).utf8)
  }
}

/// The positions, in an array stored first axis fastest, of the elements taken last axis fastest.
private struct FortranOrder {
  private let dims: [Int]
  private var strides: [Int] = []
  private var index: [Int]
  private var offset = 0

  init(_ shape: Shape) {
    dims = shape.dims
    index = [Int](repeating: 0, count: dims.count)
    var stride = 1
    for extent in dims {
      strides.append(stride)
      stride &*= max(extent, 1)
    }
  }

  mutating func next() -> Int {
    let current = offset
    for axis in dims.indices.reversed() {
      index[axis] += 1
      offset += strides[axis]
      guard index[axis] == dims[axis] else { break }
      index[axis] = 0
      offset -= strides[axis] &* dims[axis]
    }
    return current
  }
}
