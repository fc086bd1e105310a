import Glibc
import Pinion
import Testing

@Suite struct ONNXOutputTests {
  // MARK: Older forms

  /// A node of an older form, what it gives by the text of its opset, and the operators that stand for it in a file.
  struct OlderForm: Sendable, CustomTestStringConvertible {
    let op: String
    let opset: Int64
    var attributes: [String: AttributeValue] = [:]
    let inputs: [[Float]]
    let dims: [[Int]]
    let expected: [Float]
    var testDescription: String { "\(op)-\(opset) \(attributes.keys.sorted())" }
  }

  static let forms: [OlderForm] = [
    // One line over both axes behind 1: exp(0) / 4 each.
    OlderForm(op: "Softmax", opset: 11, attributes: ["axis": .int(1)], inputs: [[1, 1, 1, 1]], dims: [[1, 2, 2]], expected: [0.25, 0.25, 0.25, 0.25]),
    OlderForm(op: "Softmax", opset: 7, attributes: ["axis": .int(0)], inputs: [[2, 2]], dims: [[2, 1]], expected: [0.5, 0.5]),
    OlderForm(op: "Hardmax", opset: 11, inputs: [[1, 5, 2, 3]], dims: [[1, 2, 2]], expected: [0, 1, 0, 0]),
    OlderForm(
      op: "Add", opset: 6, attributes: ["axis": .int(0), "broadcast": .int(1)], inputs: [[1, 2, 3, 4], [10, 20]], dims: [[2, 2], [2]],
      expected: [11, 12, 23, 24]),
    // Groups of one channel of two elements -1, 1 around their mean; the scale is of the group.
    OlderForm(
      op: "GroupNormalization", opset: 18, attributes: ["num_groups": .int(2), "epsilon": .float(0)], inputs: [[1, 3, 5, 7], [2, 3], [0, 10]],
      dims: [[1, 2, 2], [2], [2]], expected: [-2, 2, 7, 13]),
    // Of nothing.
    OlderForm(
      op: "GroupNormalization", opset: 18, attributes: ["num_groups": .int(2)], inputs: [[], [2, 3], [0, 10]], dims: [[0, 4, 2], [2], [2]],
      expected: []),
    OlderForm(op: "Softmax", opset: 11, attributes: ["axis": .int(1)], inputs: [[]], dims: [[2, 0, 3]], expected: []),
    OlderForm(op: "Hardmax", opset: 11, attributes: ["axis": .int(1)], inputs: [[]], dims: [[2, 3, 0]], expected: []),
    // Rounded down where it grows: 0, 0, 1, 1.
    OlderForm(op: "Upsample", opset: 9, inputs: [[1, 2], [2]], dims: [[2], [1]], expected: [1, 1, 2, 2]),
    // Rounded up where it shrinks: 3 of 5 places at 0, 5/3, 10/3.
    OlderForm(op: "Resize", opset: 10, inputs: [[1, 2, 3, 4, 5], [0.6]], dims: [[5], [1]], expected: [1, 3, 5]),
    OlderForm(op: "Resize", opset: 10, inputs: [[1, 2, 3, 4], [2, 0.5]], dims: [[2, 2], [2]], expected: [1, 1, 3, 3]),
    OlderForm(op: "Tile", opset: 1, inputs: [[1, 2, 3, 4], [2], [1]], dims: [[2, 2], [], []], expected: [1, 2, 1, 2, 3, 4, 3, 4]),
    OlderForm(op: "Tile", opset: 1, inputs: [[1, 2], [3], [-1]], dims: [[2], [1], [1]], expected: [1, 2, 1, 2, 1, 2]),
    OlderForm(
      op: "Pad", opset: 2, attributes: ["pads": .ints([1, 0]), "value": .float(7)], inputs: [[1, 2]], dims: [[2]], expected: [7, 1, 2]),
    OlderForm(op: "Clip", opset: 6, attributes: ["min": .float(0), "max": .float(1)], inputs: [[-1, 0.5, 2]], dims: [[3]], expected: [0, 0.5, 1]),
    OlderForm(op: "Clip", opset: 6, attributes: ["min": .float(0)], inputs: [[-1, 0.5, 2]], dims: [[3]], expected: [0, 0.5, 2]),
    OlderForm(op: "ReduceSum", opset: 11, attributes: ["axes": .ints([0])], inputs: [[1, 2, 3, 4]], dims: [[2, 2]], expected: [4, 6]),
    OlderForm(op: "Slice", opset: 1, attributes: ["starts": .ints([1]), "ends": .ints([3])], inputs: [[1, 2, 3, 4]], dims: [[4]], expected: [2, 3]),
  ]

  @Test(arguments: forms, [false, true]) func olderFormsKeepTheirMeaning(_ form: OlderForm, _ areConstants: Bool) throws {
    let draft = try newDraft(opset: form.opset)
    var inputs: [GraphDraft.Value?] = [], given: [String: Tensor] = [:]
    for (index, values) in form.inputs.enumerated() {
      let tensor = try floats(values, form.dims[index])
      if index == 0 || !areConstants {
        inputs.append(try draft.addInput("x\(index)", ValueType(tensor.type)))
        given["x\(index)"] = tensor
      } else {
        inputs.append(try draft.addConstant(tensor))
      }
    }
    let attributes = form.attributes.mapValues { value -> GraphDraft.Attribute in
      switch value {
      case .int(let number): .int(number)
      case .float(let number): .float(number)
      case .ints(let numbers): .ints(numbers)
      default: .string("")
      }
    }
    try draft.addOutput(try #require(try draft.add(form.op, inputs: inputs, attributes: attributes)[0]), name: "y")
    let model = try Model(draft)
    #expect(try numbers(try run(model, given)[0]) == form.expected, "before")
    let again = try written(model)
    #expect(again.metadata.opsets.first { $0.domain.isEmpty }?.version == 21)
    for node in again.graph.nodes {
      #expect(node.schema.domain.isEmpty && node.attributes.keys.allSatisfy { !$0.contains("pinion") && !$0.contains(" ") }, "\(again.graph)")
    }
    #expect(try numbers(try run(again, given)[0]) == form.expected, "after")
  }

  /// The remainder with the sign of the divisor, which ONNX has for floating-point numbers from opset 28 on: -5 = -2 * 3 + 1, 5 = -2 * -3 - 1.
  @Test func remaindersOfFloats() throws {
    let draft = try newDraft(opset: 28)
    let a = try draft.addInput("a", .tensor(.float32, dims: [.known(4)])), b = try draft.addInput("b", .tensor(.float32, dims: [.known(4)]))
    try draft.addOutput(try draft.node("Mod", a, b), name: "y")
    expectError(.invalidModel, "attribute 'fmod' is 0, which before opset 28 is for integers alone") { try draft.node("Mod", a, b, opset: 27) }
    try draft.node("Mod", a, b, attributes: ["fmod": .int(1)], opset: 27)
    let given = ["a": try floats([-5, 5, 6, -6.5], [4]), "b": try floats([3, -3, 3, -3], [4])]
    var options = ONNXOptions()
    for opset in [21, 27, 28] as [Int64] {
      options.opset = opset
      let again = try written(try Model(draft), options)
      #expect(again.metadata.opsets.first { $0.domain.isEmpty }?.version == opset)
      #expect(again.graph.nodes.contains { $0.schema.name == "Where" } == (opset < 28))
      #expect(try numbers(try run(again, given)[0]) == [1, -1, 0, -0.5])
    }
  }

  /// Integers keep the remainder as it is; what marks a node as one for integers is not written.
  @Test func remaindersOfIntegers() throws {
    let draft = try newDraft(opset: 13)
    let a = try draft.addInput("a", .tensor(.int32, dims: [.known(4)]))
    try draft.addOutput(try draft.node("Mod", a, try draft.addConstant(try Tensor(vector: [Int32(3), -3, 3, -3]))), name: "y")
    let again = try written(try Model(draft))
    let nodes = again.graph.nodes
    #expect(nodes.count == 1 && nodes[0].schema.name == "Mod")
    let given = ["a": try Tensor(vector: [Int32(-5), 5, 6, -6])]
    #expect(try run(again, given)[0].asTensor().elements(as: Int32.self) == [1, -1, 0, 0])
  }

  /// Before opset 10 a Dropout's mask had the type of the data. Nothing is dropped in inference, so that it is all ones.
  @Test(arguments: [1, 6, 7, 9, 10] as [Int64], [ElementType.float32, .float16, .float64]) func masksOfDropout(
    _ opset: Int64, _ element: ElementType
  ) throws {
    let draft = try newDraft(opset: opset)
    let x = try draft.addInput("x", .tensor(element, dims: [.symbol("n")]))
    let results = try draft.add("Dropout", name: "drop", inputs: [x], attributes: ["ratio": .float(0.5)], outputNames: ["y", "mask"])
    for result in results { try draft.addOutput(try #require(result)) }
    let again = try written(try Model(draft))
    #expect(again.graph.nodes.map(\.schema.name) == (opset < 10 ? ["Dropout", "CastLike"] : ["Dropout"]))
    let tensor = try Tensor(TensorType(element, try Shape([3])))
    memset(tensor.data, 0, tensor.byteCount)
    for model in [try Model(draft), again] {
      let found = try run(model, ["x": tensor])
      let mask = try found[1].asTensor()
      #expect(mask.element == (opset < 10 ? element : .bool))
      switch mask.element {
      case .float32: #expect(try mask.elements(as: Float.self) == [1, 1, 1])
      case .float64: #expect(try mask.elements(as: Double.self) == [1, 1, 1])
      case .float16: #expect(try mask.elements(as: Float16.self) == [1, 1, 1])
      default: #expect(try mask.elements(as: Bool.self) == [true, true, true])
      }
      #expect(isSame(found[0], .tensor(tensor)))
    }
  }

  /// Where ONNX has no other form, that is said with the node.
  @Test func whatONNXLacksIsNamed() throws {
    let draft = try newDraft(opset: 7)
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(1), .known(1), .known(2)]))
    let one = try draft.addConstant(try floats([1, 1], [1, 2]))
    try draft.addOutput(
      try #require(try draft.add("BatchNormalization", name: "bn", inputs: [x, one, one, one, one], attributes: ["spatial": .int(0)])[0]))
    expectError(.unsupported, "'spatial'") { _ = try written(try Model(draft)) }
    expectError(.unsupported, "node 'bn'") { _ = try written(try Model(draft)) }
  }

  // MARK: Versions

  @Test(arguments: [(nil, "Relu", 21), (Int64(24), "Relu", 24), (nil, "Swish", 24), (Int64(25), "Swish", 25)] as [(Int64?, String, Int64)])
  func theOpsetIsWhatIsNeeded(_ asked: Int64?, _ op: String, _ expected: Int64) throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(2)]))
    try draft.addOutput(try #require(try draft.add(op, name: "n", inputs: [x])[0]), name: "y")
    var options = ONNXOptions()
    options.opset = asked
    let again = try written(try Model(draft), options)
    #expect(again.metadata.opsets.first { $0.domain.isEmpty }?.version == expected)
    options.opset = 23
    if op == "Swish" { expectError(.unsupported, "needs opset 24, for operator Swish of node 'n'") { _ = try written(try Model(draft), options) } }
    options.opset = 20
    expectError(.invalidArgument, "opset 20, expected 21") { _ = try written(try Model(draft), options) }
  }

  /// An element type that an operator admits from a later version on.
  @Test func typesNeedVersions() throws {
    for (op, element, expected) in [("Sin", ElementType.bfloat16, Int64(22)), ("Exp", .bfloat16, 21), ("Identity", .float8e8m0, 24), ("Identity", .int2, 25)] {
      let draft = try newDraft()
      let x = try draft.addInput("x", .tensor(element, dims: [.known(2)]))
      try draft.addOutput(try #require(try draft.add(op, inputs: [x])[0]), name: "y")
      #expect(try written(try Model(draft)).metadata.opsets.first { $0.domain.isEmpty }?.version == expected, "\(op) of \(element)")
    }
  }

  // MARK: Contents

  /// Tensors of every element type, with and without a file of their own, to the last bit.
  @Test(arguments: ElementType.allCases, [ONNXOptions.ExternalData.never, .always]) func tensorsComeBack(
    _ element: ElementType, _ external: ONNXOptions.ExternalData
  ) throws {
    for count in [0, 1, 3, 2051] {
      let shape = try Shape([count])
      var tensor = try Tensor(TensorType(element, shape))
      if element == .string {
        tensor = try Tensor(strings: (0..<count).map { "text \($0)\u{e4}" }, shape)
      } else {
        let bytes = tensor.data.assumingMemoryBound(to: UInt8.self), bits = element.bitWidth
        for index in 0..<tensor.byteCount {
          let value = UInt8(truncatingIfNeeded: index &* 37 &+ 11)
          if element == .bool {
            bytes[index] = value & 1
          } else if bits < 8 {
            // As kernels have them: signed ones with their sign.
            let narrow = value & UInt8((1 << bits) - 1), sign = UInt8(1 << (bits - 1))
            bytes[index] = element.isSignedInteger && narrow & sign != 0 ? narrow | ~UInt8((1 << bits) - 1) : narrow
          } else {
            bytes[index] = value
          }
        }
      }
      let draft = try newDraft(opset: 25)
      try draft.addOutput(try draft.addConstant(tensor, name: "c"))
      var options = ONNXOptions()
      options.externalData = external
      let again = try written(try Model(draft), options)
      let found = try #require(again.graph.constants[again.graph.outputs[0]])
      #expect(found.hasSameContents(as: tensor), "\(count) elements")
    }
  }

  @Test func externalDataLiesBeside() throws {
    let folder = try TemporaryFolder(), path = folder.path + "/m.onnx"
    let draft = try newDraft()
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(2048)]))
    let large = try draft.addConstant(try floats((0..<2048).map(Float.init), [2048])), small = try draft.addConstant(try floats([2], [1]))
    let product = try draft.add("Mul", inputs: [try draft.add("Add", inputs: [x, large])[0], small])[0]
    try draft.addOutput(try #require(product), name: "y")
    var options = ONNXOptions()
    options.externalData = .always
    let model = try Model(draft)
    try model.save(path, options: options)
    #expect(folder.files == ["m.onnx", "m.onnx.data"])
    var status = stat()
    #expect(stat(path + ".data", &status) == 0 && status.st_size == 8192)
    let given = ["x": try floats([Float](repeating: 1, count: 2048), [2048])]
    let first = try Model(path: path)
    #expect(isSame(try run(first, given)[0], try run(model, given)[0]))
    // Over the files that the model is mapped from.
    try first.save(path, options: options)
    #expect(folder.files == ["m.onnx", "m.onnx.data"])
    #expect(isSame(try run(first, given)[0], try run(model, given)[0]))
    #expect(isSame(try run(try Model(path: path), given)[0], try run(model, given)[0]))
  }

  /// Constants that subgraphs share with the graph around are written once, names are no other value's, and defaults stay defaults.
  @Test func subgraphsAndDefaults() throws {
    let draft = try newDraft()
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(2)])), c = try draft.addInput("c", .tensor(.bool, dims: []))
    let shared = try draft.addConstant(try floats([5, 7], [2]), name: "shared")
    let scale = try draft.addInput("scale", default: try floats([10, 10], [2]))
    func branch(_ op: String) throws -> GraphDraft {
      let branch = try draft.subgraph()
      let sum = try branch.add(op, inputs: [x, shared], outputNames: ["inner"])[0]
      try branch.addOutput(try #require(try branch.add("Mul", inputs: [sum, scale])[0]))
      try branch.addOutput(x)
      try branch.addOutput(shared)
      return branch
    }
    let results = try draft.add(
      "If", inputs: [c], attributes: ["then_branch": .graph(try branch("Add")), "else_branch": .graph(try branch("Sub"))],
      outputNames: ["a", "b", "d"])
    for result in results { try draft.addOutput(try #require(result)) }
    try draft.addOutput(shared, name: "also")
    let model = try Model(draft), again = try written(model)
    #expect(again.overridableInputs.map(\.name) == ["scale"])
    #expect(again.inputs.map(\.name) == ["x", "c"] && again.outputs.map(\.name) == ["a", "b", "d", "also"])
    for condition in [true, false] {
      for scale in [nil, [Float(1), 2]] {
        var given = ["x": try floats([1, 2], [2]), "c": try Tensor(scalar: condition)]
        if let scale { given["scale"] = try floats(scale, [2]) }
        let factor = scale ?? [10, 10], sign: Float = condition ? 1 : -1
        for level in [0, 2] {
          let found = try run(again, given, optimization: level)
          #expect(try numbers(found[0]) == [(1 + sign * 5) * factor[0], (2 + sign * 7) * factor[1]])
          #expect(try numbers(found[1]) == [1, 2])
          #expect(try numbers(found[2]) == [5, 7])
          #expect(try numbers(found[3]) == [5, 7])
        }
      }
    }
  }

  @Test func scansOfABatch() throws {
    // Opset 8: inputs are (lengths, states [batch, ...], scanned [batch, time, ...]).
    let draft = try newDraft(opset: 8)
    let start = try draft.addInput("start", .tensor(.float32, dims: [.known(2), .known(1)]))
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(2), .known(3), .known(1)]))
    let body = try draft.subgraph()
    let sum = try body.addInput("sum", .tensor(.float32, dims: [.known(1)])), item = try body.addInput("item", .tensor(.float32, dims: [.known(1)]))
    let next = try #require(try body.add("Add", opset: 8, inputs: [sum, item])[0])
    try body.addOutput(next)
    try body.addOutput(next, name: "running")
    let results = try draft.add(
      "Scan", inputs: [nil, start, x], attributes: ["body": .graph(body), "num_scan_inputs": .int(1)], outputNames: ["last", "all"])
    for result in results { try draft.addOutput(try #require(result)) }
    let given = ["start": try floats([0, 100], [2, 1]), "x": try floats([1, 2, 3, 4, 5, 6], [2, 3, 1])]
    for model in [try Model(draft), try written(try Model(draft))] {
      let found = try run(model, given)
      #expect(try numbers(found[0]) == [6, 115])
      #expect(try numbers(found[1]) == [1, 3, 6, 104, 109, 115])
    }
  }

  // MARK: Files

  @Test func nothingIsLeftOfWhatFails() throws {
    let folder = try TemporaryFolder(), path = folder.path + "/m.onnx"
    let draft = try newDraft(opset: 7)
    let x = try draft.addInput("x", .tensor(.float32, dims: [.known(1), .known(1), .known(2)]))
    let one = try draft.addConstant(try floats([1, 1], [1, 2]))
    try draft.addOutput(try #require(try draft.add("BatchNormalization", inputs: [x, one, one, one, one], attributes: ["spatial": .int(0)])[0]))
    #expect(throws: PinionError.self) { try Model(draft).save(path) }
    #expect(folder.files.isEmpty)
    expectError(.io, "not a regular file") { try Model(draft).save(folder.path) }
    expectError(.io, "No such file") { try Model(draft).save(folder.path + "/none/m.onnx") }
    expectError(.io, "no path") { try Model(draft).save("a\0b") }
  }

  /// A link is followed, and the file behind it is the one that is replaced.
  @Test func linksStayLinks() throws {
    let folder = try TemporaryFolder(), link = folder.path + "/link.onnx", target = folder.path + "/target.onnx"
    let draft = try newDraft()
    try draft.addOutput(try draft.addConstant(try floats([1], [1]), name: "c"))
    try Model(draft).save(target)
    #expect(symlink(target, link) == 0)
    try Model(draft).save(link)
    var status = stat()
    #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(folder.files == ["link.onnx", "target.onnx"])
  }

  /// Links to what is not there yet are followed, from where each is; a circle of them is no place for a file.
  @Test func linksMayLeadToWhatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let draft = try newDraft()
    try draft.addOutput(try draft.addConstant(try floats([1], [1]), name: "c"))
    #expect(symlink("second.onnx", folder.path + "/first.onnx") == 0 && symlink(folder.path + "/new.onnx", folder.path + "/second.onnx") == 0)
    try Model(draft).save(folder.path + "/first.onnx")
    var status = stat()
    #expect(lstat(folder.path + "/new.onnx", &status) == 0 && status.st_mode & S_IFMT == S_IFREG)
    #expect(lstat(folder.path + "/first.onnx", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(folder.files == ["first.onnx", "new.onnx", "second.onnx"])
    #expect(symlink("b", folder.path + "/a") == 0 && symlink("a", folder.path + "/b") == 0)
    expectError(.io, "symbolic links") { try Model(draft).save(folder.path + "/a") }
    #expect(symlink("none/m.onnx", folder.path + "/c") == 0)
    expectError(.io, "No such file") { try Model(draft).save(folder.path + "/c") }
  }

  /// Where the axis is the last one, all that follow are one: a Softmax of today, in which attention is recognised.
  @Test(arguments: [(3, 4, true), (-1, 4, true), (1, 2, true), (2, 4, false), (1, 4, false)])
  func softmaxOverTheLastAxisIsWrittenAsOne(_ axis: Int64, _ rank: Int, _ isOne: Bool) throws {
    let folder = try TemporaryFolder(), path = folder.path + "/m.onnx"
    let draft = try newDraft(opset: 12)
    let x = try draft.addInput("x", .tensor(.float32, dims: [Dimension](repeating: .unknown, count: rank)))
    try draft.addOutput(try #require(try draft.add("Softmax", inputs: [x], attributes: ["axis": .int(axis)])[0]))
    try Model(draft).save(path)
    let names = try Model(path: path).graph.nodes.map { $0.schema.name }
    #expect(names == (isOne ? ["Softmax"] : ["Flatten", "Softmax", "Shape", "Reshape"]))
  }
}
