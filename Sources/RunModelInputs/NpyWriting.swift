import PinionBase
import PinionTensor

/// A tensor as a .npy file: the header, then the elements.
package struct NpyContents {
  let header: [UInt8]
  private let tensor: Tensor
  /// The elements where they differ from those in the tensor's memory.
  private let encoded: [UInt8]?

  /// Strings are written as NumPy's fixed-width `str`, bfloat16 and narrower types as ml_dtypes writes them.
  package init(_ tensor: Tensor) throws(PinionError) {
    self.tensor = tensor
    let descr: String
    if tensor.element == .string {
      let strings = try tensor.strings().map { Array($0.unicodeScalars) }
      let width = max(strings.map(\.count).max() ?? 0, 1)
      descr = "<U\(width)"
      encoded = try NpyContents.encode(strings, width: width)
    } else {
      descr = NpyContents.descr(tensor.element)
      encoded = nil
    }
    let dims = tensor.shape.dims
    let tuple = dims.map(String.init).joined(separator: ", ") + (dims.count == 1 ? "," : "")
    var text = Array("{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(tuple)), }".utf8)
    // The elements begin at a multiple of 64 bytes, the header ends with a line feed.
    let used = 10 + text.count + 1
    text += [UInt8](repeating: UInt8(ascii: " "), count: (64 - used % 64) % 64) + [UInt8(ascii: "\n")]
    guard let length = UInt16(exactly: text.count) else { throw .unsupported("a tensor of rank \(dims.count) in a .npy file") }
    var header: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    header.append(littleEndian: length)
    self.header = header + text
  }

  private static func descr(_ element: ElementType) -> String {
    guard let name = NpyHeader.numbers.first(where: { $0.value == element })?.key else { return "<V\(element.byteWidth)" }
    return (element.byteWidth == 1 ? "|" : "<") + name
  }

  private static func encode(_ strings: [[Unicode.Scalar]], width: Int) throws(PinionError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(try strings.count.multiplied(by: width).multiplied(by: 4))
    for string in strings {
      for scalar in string { bytes.append(littleEndian: scalar.value) }
      bytes.append(contentsOf: repeatElement(0, count: 4 * (width - string.count)))
    }
    return bytes
  }

  package var byteCount: Int { header.count + (encoded?.count ?? tensor.byteCount) }

  /// Calls `body` with the header and then with the elements.
  func forEachPart<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
    try forEach(header, body)
    if let encoded { try forEach(encoded, body) } else { try body(tensor.bytes) }
  }

  private func forEach<E: Error>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(E) in try body(UnsafeRawBufferPointer(buffer)) }
  }

  /// Writes the file, replacing one that is there.
  package func write(to path: String) throws(PinionError) {
    let file = try FileWriter(path: path)
    try forEachPart { (part) throws(PinionError) in try file.write(part) }
    try file.close()
  }
}
