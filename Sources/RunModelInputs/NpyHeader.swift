import PinionBase
import PinionTensor

/// What a .npy file says about the array that it holds.
package struct NpyHeader: Sendable, Equatable {
  /// A NumPy type as far as tensors can have it.
  package enum Scalar: Sendable, Equatable {
    case number(ElementType)
    /// `<U4`: at most `count` code points of four bytes each.
    case unicode(count: Int)
    /// `|S4`: at most `count` bytes.
    case bytes(count: Int)
    /// `<V2`: how ml_dtypes saves bfloat16 and the types narrower than it.
    case opaque(width: Int)
  }

  package var scalar: Scalar
  package var isBigEndian: Bool
  package var isFortranOrder: Bool
  package var shape: Shape
  /// Where the elements begin.
  package var dataOffset: Int

  /// NumPy's own headers stay below a few hundred bytes.
  static let lengthLimit = 1 << 16

  /// Reads the header. Throws `.invalidValue` for what is no .npy file or a damaged one, `.unsupported` for types without an
  /// element type in ONNX.
  package init(parsing bytes: UnsafeRawBufferPointer, name: String) throws(PinionError) {
    let fields = BinaryFields(bytes: bytes, name: name)
    guard bytes.count >= 10, bytes.prefix(6).elementsEqual([0x93] + Array("NUMPY".utf8)) else {
      throw .invalidValue("'\(name)' is no .npy file")
    }
    let major = bytes[6]
    guard (1...3).contains(major) else { throw .unsupported("'\(name)' has version \(major) of the .npy format; expected 1 to 3") }
    let start = major == 1 ? 10 : 12
    let length = major == 1 ? Int(try fields.integer(UInt16.self, at: 8)) : Int(try fields.integer(UInt32.self, at: 8))
    guard length <= NpyHeader.lengthLimit else { throw .invalidValue("'\(name)' announces a .npy header of \(length) bytes") }
    let text = try fields.slice(offset: start, count: length)
    var literal = PythonLiteral(text, name: name)
    let entries = try literal.dictionary()
    guard case .text(let descr)? = entries["descr"], case .flag(let isFortranOrder)? = entries["fortran_order"],
      case .tuple(let dims)? = entries["shape"]
    else {
      throw .invalidValue("'\(name)' has a damaged .npy header")
    }
    (scalar, isBigEndian) = try NpyHeader.scalar(descr, name: name)
    self.isFortranOrder = isFortranOrder
    shape = try Shape(dims)
    dataOffset = start + length
  }

  /// Bytes of one element in the file.
  func width() throws(PinionError) -> Int {
    switch scalar {
    case .number(let element): element.byteWidth
    case .unicode(let count): try count.multiplied(by: 4)
    case .bytes(let count): count
    case .opaque(let width): width
    }
  }

  private static func scalar(_ descr: String, name: String) throws(PinionError) -> (Scalar, Bool) {
    let units = Array(descr.utf8)
    guard units.count >= 3, let width = Int(descr.dropFirst(2)), width >= 0 else {
      throw .unsupported("'\(name)' holds elements of NumPy type '\(descr)', which no tensor has")
    }
    let isBigEndian = units[0] == UInt8(ascii: ">")
    switch (units[1], width) {
    case (UInt8(ascii: "O"), _):
      throw .unsupported("'\(name)' holds pickled Python objects; save strings as a NumPy array of type str")
    case (UInt8(ascii: "U"), _): return (.unicode(count: width), isBigEndian)
    case (UInt8(ascii: "S"), _): return (.bytes(count: width), false)
    // float8_e5m2 is the one of ml_dtypes' types that NumPy takes for a floating-point type of its own.
    case (UInt8(ascii: "V"), 1), (UInt8(ascii: "V"), 2), (UInt8(ascii: "f"), 1): return (.opaque(width: width), isBigEndian)
    default:
      guard let element = numbers[String(descr.dropFirst())] else {
        throw .unsupported("'\(name)' holds elements of NumPy type '\(descr)', which no tensor has")
      }
      return (.number(element), isBigEndian)
    }
  }

  static let numbers: [String: ElementType] = [
    "f4": .float32, "f8": .float64, "f2": .float16, "i1": .int8, "i2": .int16, "i4": .int32, "i8": .int64, "u1": .uint8,
    "u2": .uint16, "u4": .uint32, "u8": .uint64, "b1": .bool, "c8": .complex64, "c16": .complex128,
  ]
}
