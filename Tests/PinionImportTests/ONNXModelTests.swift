import PinionBase
import Testing

@testable import PinionImport

@Suite struct ONNXModelTests {
  static let relu = Wire.text(1, "x") + Wire.text(1, "") + Wire.text(2, "y") + Wire.text(3, "n") + Wire.text(4, "Relu")
  static let floatVector = Wire.bytes(1, Wire.int(1, 1) + Wire.bytes(2, Wire.bytes(1, Wire.int(1, 3)) + Wire.bytes(1, Wire.text(2, "N"))))

  /// The top-level fields of a small model.
  static let fields: [[UInt8]] = [
    Wire.int(1, 10), Wire.text(2, "producer"), Wire.text(3, "1.0"), Wire.text(4, "domain"), Wire.int(5, -3), Wire.text(6, "doc"),
    Wire.bytes(8, Wire.int(2, 22)), Wire.bytes(8, Wire.text(1, "ai.onnx.ml") + Wire.int(2, 4)),
    Wire.bytes(14, Wire.text(1, "key") + Wire.text(2, "value")),
    Wire.bytes(
      7,
      Wire.text(2, "graph") + Wire.bytes(1, relu + Wire.text(7, "d") + Wire.text(8, "o") + Wire.text(6, "doc"))
        + Wire.bytes(5, Wire.int(1, 2) + Wire.int(2, 1) + Wire.text(8, "w") + Wire.bytes(9, [0, 0, 0, 0, 0, 0, 128, 63]))
        + Wire.bytes(11, Wire.text(1, "x") + Wire.bytes(2, floatVector)) + Wire.bytes(12, Wire.text(1, "y"))
        + Wire.bytes(13, Wire.text(1, "z") + Wire.bytes(2, [])) + Wire.text(10, "graph doc")
        + Wire.bytes(15, Wire.bytes(1, Wire.text(8, "s")) + Wire.int(3, 5)) + Wire.bytes(16, Wire.text(1, "k"))),
    Wire.bytes(
      25,
      Wire.text(1, "f") + Wire.text(10, "fd") + Wire.text(13, "fo") + Wire.text(4, "a") + Wire.text(5, "b") + Wire.text(6, "alpha")
        + Wire.bytes(11, Wire.text(1, "beta") + Wire.float(2, 0.5) + Wire.int(20, 1)) + Wire.bytes(7, relu)
        + Wire.bytes(9, Wire.int(2, 18)) + Wire.bytes(12, Wire.text(1, "a"))),
  ]
  static let bytes = fields.flatMap { $0 }

  @Test func readsEveryField() throws {
    let model = try model(Self.bytes)
    #expect(model.irVersion == 10 && model.modelVersion == -3)
    #expect(model.producerName == "producer" && model.producerVersion == "1.0" && model.domain == "domain" && model.docString == "doc")
    #expect(model.opsetImports.map(\.domain) == ["", "ai.onnx.ml"] && model.opsetImports.map(\.version) == [22, 4])
    #expect(model.metadata.map(\.key) == ["key"] && model.metadata.map(\.value) == ["value"])

    let graph = try #require(model.graph)
    #expect(graph.name == "graph" && graph.docString == "graph doc" && graph.metadata.map(\.key) == ["k"])
    let node = try #require(graph.nodes.first)
    #expect(node.inputs.map(\.text) == ["x", ""] && node.outputs.map(\.text) == ["y"] && node.name == "n" && node.opType.text == "Relu")
    #expect(node.domain.text == "d" && node.overload == "o" && node.attributes.isEmpty)
    #expect(graph.initializers.map(\.name.text) == ["w"] && graph.initializers[0].dims == [2])
    #expect(graph.inputs.map(\.type) == [.tensor(elementType: 1, shape: [.value(3), .parameter("N")])])
    #expect(graph.outputs.map(\.type) == [nil] && graph.valueInfos.map(\.type) == [.undefined])
    #expect(graph.sparseInitializers[0].values?.name.text == "s" && graph.sparseInitializers[0].dims == [5])

    let function = try #require(model.functions.first)
    #expect(function.name == "f" && function.domain == "fd" && function.overload == "fo")
    #expect(function.inputs.map(\.text) == ["a"] && function.outputs.map(\.text) == ["b"] && function.attributeNames == ["alpha"])
    #expect(function.attributeDefaults.map(\.name) == ["beta"] && function.attributeDefaults[0].f == 0.5)
    #expect(function.nodes.map(\.opType.text) == ["Relu"] && function.opsetImports.map(\.version) == [18])
    #expect(function.valueInfos.map(\.name.text) == ["a"])
  }

  @Test func truncationThrowsExceptBetweenFields() throws {
    var ends: Set<Int> = []
    for field in Self.fields { ends.insert((ends.max() ?? 0) + field.count) }
    for count in 1..<Self.bytes.count {
      let cut = Array(Self.bytes[..<count])
      if ends.contains(count) {
        #expect(throws: Never.self) { try model(cut) }
      } else {
        #expect(throws: PinionError.self, "cut at byte \(count)") { try model(cut) }
      }
    }
  }

  @Test func everySingleByteChangeIsReadOrRefused() throws {
    for index in Self.bytes.indices {
      for value in [0x00, 0x7f, 0x80, 0xff] as [UInt8] {
        var changed = Self.bytes
        changed[index] = value
        _ = try? model(changed)
      }
    }
  }

  @Test func scalarsKeepTheLastValueAndMessagesMerge() throws {
    let first = Wire.bytes(7, Wire.text(2, "a") + Wire.text(10, "doc") + Wire.bytes(12, Wire.text(1, "y")))
    let second = Wire.bytes(7, Wire.text(2, "b") + Wire.bytes(12, Wire.text(1, "z")))
    let model = try model(Wire.int(1, 3) + first + Wire.int(1, 4) + second)
    #expect(model.irVersion == 4)
    #expect(model.graph?.name == "b" && model.graph?.docString == "doc" && model.graph?.outputs.map(\.name.text) == ["y", "z"])
  }

  @Test func readsEveryKindOfType() throws {
    func type(_ fields: [UInt8]) throws -> ONNXType? {
      try model(Wire.bytes(7, Wire.bytes(11, Wire.bytes(2, fields)))).graph?.inputs.first?.type
    }
    let vector = ONNXType.tensor(elementType: 1, shape: [.value(3), .parameter("N")])
    #expect(try type(Wire.bytes(1, Wire.int(1, 7))) == .tensor(elementType: 7, shape: nil))
    #expect(try type(Wire.bytes(1, Wire.int(1, 7) + Wire.bytes(2, []))) == .tensor(elementType: 7, shape: []))
    #expect(try type(Wire.bytes(1, Wire.bytes(2, Wire.bytes(1, []) + Wire.bytes(1, Wire.text(2, "")))))
      == .tensor(elementType: 0, shape: [.unknown, .unknown]))
    #expect(try type(Self.floatVector) == vector)
    #expect(try type(Wire.bytes(4, Wire.bytes(1, Self.floatVector))) == .sequence(vector))
    #expect(try type(Wire.bytes(9, Wire.bytes(1, Wire.bytes(4, Wire.bytes(1, Self.floatVector))))) == .optional(.sequence(vector)))
    #expect(try type(Wire.bytes(5, Wire.int(1, 8) + Wire.bytes(2, Self.floatVector))) == .map(keyType: 8, value: vector))
    #expect(try type(Wire.bytes(8, Wire.int(1, 1))) == .sparseTensor(elementType: 1, shape: nil))
    #expect(try type(Wire.bytes(7, Wire.text(1, "d") + Wire.text(2, "n"))) == .opaque(domain: "d", name: "n"))
    #expect(try type([]) == .undefined)
    // Members of a oneof: another member replaces, the same one merges.
    #expect(try type(Wire.bytes(4, []) + Self.floatVector) == vector)
    #expect(try type(Wire.bytes(1, Wire.int(1, 7)) + Wire.bytes(1, Wire.bytes(2, []))) == .tensor(elementType: 7, shape: []))
  }
}
