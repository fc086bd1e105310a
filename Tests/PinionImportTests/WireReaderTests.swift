import PinionBase
import Testing
@testable import PinionImport
@Suite struct T {
  @Test func x() throws {
    let b: [UInt8] = [0x08,1,0x10,0x16,0x2a,1,1]
    let f = try b.withUnsafeBytes { try FileMapping(copying: $0) }
    let t = try ONNXTensor(parsing: f)
    print(t.dims, t.dataType, t.parts.map(\.count), try t.byteCount())
    var out = [UInt8](repeating: 9, count: 1)
    try out.withUnsafeMutableBytes { try t.decode(into: $0) }
    #expect(out == [1])
  }
}
