import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

/// What the schemas of the whole catalog say about element types.
@Suite struct ElementTypeTests {
  /// Operands without element types, since no tensor comes there.
  static let withoutTypes: Set<String> = [
    // Sequences.
    "ConcatFromSequence.input_sequence", "SequenceAt.input_sequence", "SequenceConstruct.output_sequence", "SequenceEmpty.output",
    "SequenceErase.input_sequence", "SequenceErase.output_sequence", "SequenceInsert.input_sequence", "SequenceInsert.output_sequence",
    "SequenceLength.input_sequence", "SequenceMap.input_sequence", "SequenceMap.out_sequence", "SplitToSequence.output_sequence",
    // An optional.
    "Optional.output",
    // Maps, and sequences of them.
    "ai.onnx.ml::CastMap.X", "ai.onnx.ml::DictVectorizer.X", "ai.onnx.ml::ZipMap.Z",
  ]

  @Test func everyOperandDeclaresItsTypes() {
    var without: Set<String> = []
    for type in OperatorCatalog.all {
      let schema = type.schema
      for operand in schema.inputs + schema.outputs {
        if !operand.isConstrained { without.insert("\(schema.qualifiedName).\(operand.name)") }
        #expect(!operand.types.isEmpty, "\(schema.qualifiedName).\(operand.name) admits nothing")
      }
      #expect(schema.variables.count <= 16, "\(schema.qualifiedName) has more variables than are compared")
      for variable in schema.variables.indices {
        #expect(
          (schema.inputs + schema.outputs).contains { $0.variable == variable }, "\(schema.qualifiedName): nothing is \(schema.variables[variable])")
      }
    }
    #expect(without == Self.withoutTypes)
  }

  /// Every operand's forbidden types go to the operator, beside inputs that pass, and are refused before it sees them.
  @Test func forbiddenTypesAreRefused() throws {
    var refused = 0
    for type in OperatorCatalog.all {
      let schema = type.schema
      guard let op = some(type) else { continue }
      for index in schema.inputs.indices {
        for element in ElementType.allCases where !schema.inputs[index].types.contains(element) {
          var elements = schema.inputs.map { $0.types.types.first }
          elements[index] = element
          let error = try refusal(op, schema, elements)
          #expect(error.hasPrefix("input '"), "\(schema.qualifiedName): \(error)")
          #expect(error.contains("is \(element)[1,1]"), "\(schema.qualifiedName): \(error)")
          refused += 1
        }
      }
    }
    #expect(refused > 5000)
  }

  /// Two operands of one variable with different types.
  @Test func operandsOfAVariableAgree() throws {
    for type in OperatorCatalog.all {
      let schema = type.schema
      guard let op = some(type) else { continue }
      for (index, input) in schema.inputs.enumerated() {
        guard let variable = input.variable, let first = schema.inputs.firstIndex(where: { $0.variable == variable }), first < index else { continue }
        let admitted = input.types.types
        guard let other = admitted.first(where: { $0 == .float64 }) ?? admitted.last, other != admitted[0] else { continue }
        var elements = schema.inputs.map { $0.types.types.first }
        elements[index] = other
        let error = try refusal(op, schema, elements)
        if admitted.contains(.float64) || !admitted.contains(.float32) {
          #expect(error.contains("expected \(admitted[0]) like input '\(schema.inputs[first].name)'"), "\(schema.qualifiedName): \(error)")
        }
      }
    }
  }

  /// An instance whatever the attributes; the check of types asks none.
  private func some(_ type: any Operator.Type) -> (any Operator)? {
    let any: [[String: AttributeValue]] = [
      [:], ["axis": .int(0)], ["to": .int(1)], ["kernel_shape": .ints([1])], ["equation": .string("i->i")], ["num_heads": .int(1)],
    ]
    for attributes in any {
      var reader = AttributeReader(attributes)
      if let op = try? type.init(&reader) { return op }
    }
    return nil
  }

  private func refusal(_ op: any Operator, _ schema: Schema, _ elements: [ElementType?]) throws -> String {
    let types = try elements.map { element throws in try element.map { TensorType($0, try Shape([1, 1])) } }
    let context = InferenceContext(
      schema: schema, inputs: types, values: [Tensor?](repeating: nil, count: types.count), outputCount: schema.outputs.count)
    do {
      _ = try op.outputTypes(context)
      return "nothing was refused"
    } catch let error as PinionError { return error.message }
  }
}
