import PinionBase
import Testing

@testable import PinionImport

@Suite struct ONNXAttributeTests {
  static let tensor = Wire.int(1, 1) + Wire.int(2, 2) + Wire.bytes(9, [7])
  static let members: [(ONNXAttributeKind, [UInt8])] = [
    (.float, Wire.float(2, -1.5)), (.int, Wire.int(3, -7)), (.string, Wire.bytes(4, [0xff, 0x61])), (.tensor, Wire.bytes(5, tensor)),
    (.graph, Wire.bytes(6, Wire.text(2, "g"))), (.floats, Wire.bytes(7, Wire.floats(2))),
    (.ints, Wire.bytes(8, Wire.packed([1, -1]))), (.strings, Wire.text(9, "a")), (.tensors, Wire.bytes(10, tensor)),
    (.graphs, Wire.bytes(11, Wire.text(2, "g"))), (.sparseTensor, Wire.bytes(22, Wire.int(3, 4))),
    (.sparseTensors, Wire.bytes(23, Wire.int(3, 4))), (.type, Wire.bytes(14, Wire.bytes(1, Wire.int(1, 1)))),
    (.types, Wire.bytes(15, Wire.bytes(1, Wire.int(1, 1)))),
  ]

  @Test func readsEveryMember() throws {
    let all = try attribute(Wire.text(1, "name") + Wire.text(21, "ref") + Self.members.flatMap(\.1))
    #expect(all.name == "name" && all.refAttrName == "ref" && all.f == -1.5 && all.i == -7)
    #expect(all.s.map(array) == [0xff, 0x61] && all.strings.map(\.text) == ["a"])
    #expect(all.t?.dims == [1] && all.g?.name == "g" && all.floats == [2] && all.ints == [1, -1])
    #expect(all.tensors.map(\.dataType) == [2] && all.graphs.map(\.name) == ["g"])
    #expect(all.sparseTensor?.dims == [4] && all.sparseTensors.map(\.dims) == [[4]])
    #expect(all.tp == .tensor(elementType: 1, shape: nil) && all.types == [.tensor(elementType: 1, shape: nil)])
  }

  @Test func kindComesFromTheTypeFieldOrTheMember() throws {
    for (kind, member) in Self.members {
      #expect(try attribute(member).kind == kind)
      #expect(try attribute(Wire.int(20, Int64(kind.rawValue)) + member).kind == kind)
    }
    #expect(try attribute(Wire.text(1, "n")).kind == .undefined)
    // An empty list has no member to derive from; zero is a value.
    #expect(try attribute(Wire.int(20, 7)).kind == .ints)
    #expect(try attribute(Wire.int(3, 0)).kind == .int)
    // A number outside the enumeration is an unknown field.
    #expect(try attribute(Wire.int(20, 99) + Wire.int(3, 1)).kind == .int)
    #expect(try attribute(Wire.int(20, 2) + Wire.int(20, 99)).kind == .int)
  }

  @Test func listsMayBePackedUnpackedOrBoth() throws {
    #expect(try attribute(Wire.int(8, 1) + Wire.bytes(8, Wire.packed([2, 3])) + Wire.int(8, -4)).ints == [1, 2, 3, -4])
    #expect(try attribute(Wire.bytes(8, [])).ints.isEmpty)
    let run = Wire.bytes(7, Wire.floats(2, 3))
    #expect(try attribute(Wire.float(7, 1) + run + Wire.float(7, 4)).floats == [1, 2, 3, 4])
  }

  @Test(arguments: [Wire.bytes(7, [1, 2, 3]), Wire.bytes(8, [0x80]), Wire.bytes(8, [1] + [UInt8](repeating: 0xff, count: 10))])
  func refusesBrokenPackedLists(fields: [UInt8]) { #expect(throws: PinionError.self) { try attribute(fields) } }
}
