import Pinion
import PinionBase
import PinionTensor
import Testing

@testable import PinionImport

@Suite struct PT2ImportTests {
  private func floats(_ values: [Float], _ dims: [Int]) throws -> Tensor { try Tensor(values, try Shape(dims)) }

  // MARK: Weights

  @Test func mapsWeightsAndHonoursStrides() throws {
    var program = TestProgram()
    program.storage("weight_0", [0, 1, 2, 3, 4, 5] as [Float])
    program.buffer("whole", 7, [2, 3], strides: [3, 1], file: "weight_0")
    program.buffer("turned", 7, [3, 2], strides: [1, 3], file: "weight_0")
    program.buffer("tail", 7, [2], strides: [1], offset: 4, file: "weight_0")
    program.buffer("same", 7, [2, 2], strides: [0, 1], offset: 1, file: "weight_0")
    for name in ["whole", "turned", "tail", "same"] { program.output("b_\(name)") }
    let results = try program.run([:])
    #expect(try results["b_whole"]?.elements(as: Float.self) == [0, 1, 2, 3, 4, 5])
    #expect(try results["b_turned"]?.elements(as: Float.self) == [0, 3, 1, 4, 2, 5])
    #expect(try results["b_tail"]?.elements(as: Float.self) == [4, 5])
    #expect(try results["b_same"]?.elements(as: Float.self) == [1, 2, 1, 2])
    // Contiguous ones lie in the file, and what shares a storage goes on sharing it.
    let constants = try program.model().graph.constants.values
    let starts = constants.map { Int(bitPattern: $0.data) }.sorted()
    #expect(starts.contains { start in starts.contains(start + 16) })
  }

  @Test(arguments: [[7], [2, 4]]) func refusesWeightsBehindTheirStorage(sizes: [Int]) throws {
    var program = TestProgram()
    program.storage("weight_0", [0, 1, 2, 3, 4, 5] as [Float])
    program.buffer("w", 7, sizes, strides: sizes.count == 1 ? [1] : [4, 1], file: "weight_0")
    program.output("b_w")
    #expect(throws: PinionError.self) { try program.model() }
  }

  // MARK: Limits

  private func code(_ program: TestProgram, _ limits: RunLimits) throws -> ErrorCode? {
    do {
      _ = try Model(try TestProgram.file(program.archive.bytes), limits: limits)
      return nil
    } catch { return (error as? PinionError)?.code }
  }

  private func limits(bytes: Int? = nil, deadline: UInt64? = nil) -> RunLimits {
    var limits = RunLimits()
    limits.bytes = bytes
    limits.deadline = deadline
    return limits
  }

  @Test func keepsToTheLimitsOfTheLoad() throws {
    var program = TestProgram()
    program.input("x", 7, [2])
    var last = "x"
    for index in 0..<1000 {
      program.node("neg", ["self": TestProgram.tensor(last)], "v\(index)", 7, [2])
      last = "v\(index)"
    }
    program.output(last)
    #expect(try code(program, limits(bytes: 64 << 20)) == nil)
    #expect(try code(program, limits(bytes: 1 << 20)) == .budgetExceeded)
    #expect(try code(program, limits(deadline: 1)) == .deadlineExceeded)
    var cancelled = RunLimits()
    cancelled.token = CancelToken()
    cancelled.token?.cancel()
    #expect(try code(program, cancelled) == .cancelled)
  }

  /// Elements that lie in one place take memory of their own once the weight is read.
  @Test func countsWeightsThatAreLargerThanTheirStorage() throws {
    var program = TestProgram()
    program.storage("weight_0", [1] as [Float])
    program.buffer("w", 7, [1024, 1024], strides: [0, 0], file: "weight_0")
    program.output("b_w")
    #expect(try code(program, limits(bytes: 1 << 20)) == .budgetExceeded)
    #expect(try code(program, limits(bytes: 64 << 20)) == nil)
  }

  /// Every path repeats the names above it, which the file has once.
  @Test func countsThePathsOfNestedArguments() throws {
    var program = TestProgram()
    for index in 0..<100 { program.input("x\(index)", 7, [2]) }
    program.output("x0")
    let leaf = #"{"type": null, "context": null, "children_spec": []}"#
    let list = #"{"type": "builtins.list", "context": "null", "children_spec": ["# + Array(repeating: leaf, count: 100).joined(separator: ",") + "]}"
    let key = String(repeating: "k", count: 100_000)
    program.trees = (#"[1, {"type": "builtins.dict", "context": "[\"\#(key)\"]", "children_spec": [\#(list)]}]"#, "")
    #expect(try code(program, limits(bytes: 4 << 20)) == .budgetExceeded)
    #expect(try code(program, limits(bytes: 64 << 20)) == nil)
  }

  /// Of very many nodes that are not supported some are named, and all are counted.
  @Test func namesSomeOfManyUnsupportedNodes() throws {
    var program = TestProgram()
    program.input("x", 7, [2])
    for index in 0..<1500 { program.node("nothing\(index)", ["self": TestProgram.tensor("x")], "v\(index)", 7, [2]) }
    program.output("x")
    do {
      _ = try program.model()
      Issue.record("nothing was thrown")
    } catch {
      let error = try #require(error as? PinionError)
      #expect(error.code == .unsupported && error.others.count == 1000)
      #expect(error.message.hasPrefix("1500 nodes") && error.message.hasSuffix("and 500 more"))
    }
  }

  // MARK: Values

  @Test func addsWithAlphaAndPromotes() throws {
    var program = TestProgram()
    program.input("x", 5, [2])
    // int64 + 0.5 is float32; int64 + 2 * int64 stays int64.
    program.node("add.Tensor", ["self": TestProgram.tensor("x"), "other": TestProgram.float(0.5)], "a", 7, [2])
    program.node("add.Tensor", ["self": TestProgram.tensor("x"), "other": TestProgram.tensor("x"), "alpha": TestProgram.int(2)], "b", 5, [2])
    program.node("div.Tensor", ["self": TestProgram.tensor("x"), "other": TestProgram.int(2)], "c", 7, [2])
    for name in ["a", "b", "c"] { program.output(name) }
    let results = try program.run(["x": try Tensor(vector: [1, -3] as [Int64])])
    #expect(try results["a"]?.elements(as: Float.self) == [1.5, -2.5])
    #expect(try results["b"]?.elements(as: Int64.self) == [3, -9])
    #expect(try results["c"]?.elements(as: Float.self) == [0.5, -1.5])
  }

  @Test func promotesAsPyTorchDoes() {
    func tensor(_ element: ElementType, _ rank: Int) -> Operand { .tensor(Term(id: ValueID(index: 0), element: element, dims: Array(repeating: 2, count: rank))) }
    #expect(Promotion.result(of: [tensor(.int64, 1), .number(.float(1))]) == .float32)
    #expect(Promotion.result(of: [tensor(.float16, 1), .number(.float(1))]) == .float16)
    #expect(Promotion.result(of: [tensor(.float16, 1), tensor(.float32, 0)]) == .float16)
    #expect(Promotion.result(of: [tensor(.int32, 1), tensor(.float64, 0)]) == .float64)
    #expect(Promotion.result(of: [tensor(.int32, 1), tensor(.int64, 0)]) == .int32)
    #expect(Promotion.result(of: [tensor(.bool, 1), .number(.int(1))]) == .int64)
    #expect(Promotion.result(of: [tensor(.uint8, 1), tensor(.int8, 1)]) == .int16)
    #expect(Promotion.result(of: [tensor(.float16, 1), tensor(.bfloat16, 1)]) == .float32)
  }

  @Test func outputsOfOneValueHaveNamesOfTheirOwn() throws {
    var program = TestProgram()
    program.input("x", 7, [2])
    program.node("neg.default", ["self": TestProgram.tensor("x")], "y", 7, [2])
    for name in ["y", "y", "x"] { program.output(name) }
    #expect(try program.model().outputs.map(\.name) == ["y", "y#1", "x"])
  }

  // MARK: Writes

  @Test func writesThroughViews() throws {
    // y = x.clone(); y[:, 1] = 9; y.t()[0] += 1
    var program = TestProgram()
    program.input("x", 7, [2, 2])
    program.node("clone.default", ["self": TestProgram.tensor("x")], "y", 7, [2, 2])
    program.node("select.int", ["self": TestProgram.tensor("y"), "dim": TestProgram.int(1), "index": TestProgram.int(1)], "column", 7, [2])
    program.node("fill_.Scalar", ["self": TestProgram.tensor("column"), "value": TestProgram.int(9)], "filled", 7, [2])
    program.node("t.default", ["self": TestProgram.tensor("y")], "turned", 7, [2, 2])
    program.node("select.int", ["self": TestProgram.tensor("turned"), "dim": TestProgram.int(0), "index": TestProgram.int(0)], "row", 7, [2])
    program.node("add_.Tensor", ["self": TestProgram.tensor("row"), "other": TestProgram.int(1)], "sum", 7, [2])
    for name in ["y", "turned", "column", "x"] { program.output(name) }
    let results = try program.run(["x": try floats([1, 2, 3, 4], [2, 2])])
    #expect(try results["y"]?.elements(as: Float.self) == [2, 9, 4, 9])
    #expect(try results["turned"]?.elements(as: Float.self) == [2, 4, 9, 9])
    #expect(try results["column"]?.elements(as: Float.self) == [9, 9])
    #expect(try results["x"]?.elements(as: Float.self) == [1, 2, 3, 4])
  }

  @Test func writesThroughStepsAndDiagonals() throws {
    var program = TestProgram()
    program.input("x", 7, [3, 3])
    program.node("clone.default", ["self": TestProgram.tensor("x")], "y", 7, [3, 3])
    program.node("diagonal.default", ["self": TestProgram.tensor("y")], "d", 7, [3])
    program.node("zero_.default", ["self": TestProgram.tensor("d")], "z", 7, [3])
    program.node(
      "slice.Tensor",
      ["self": TestProgram.tensor("y"), "dim": TestProgram.int(1), "start": TestProgram.int(0), "end": TestProgram.int(9), "step": TestProgram.int(2)],
      "s", 7, [3, 2])
    program.node("mul_.Tensor", ["self": TestProgram.tensor("s"), "other": TestProgram.int(10)], "m", 7, [3, 2])
    program.output("y")
    let results = try program.run(["x": try floats([1, 2, 3, 4, 5, 6, 7, 8, 9], [3, 3])])
    #expect(try results["y"]?.elements(as: Float.self) == [0, 2, 30, 40, 0, 60, 70, 8, 0])
  }

  @Test func piecesThatMakeUpAnAxisAreOneSplitUntilTheyAreWritten() throws {
    var program = TestProgram()
    program.input("x", 7, [1, 4])
    program.node("clone", ["self": TestProgram.tensor("x")], "c", 7, [1, 4])
    program.tensor("a", 7, [1, 2])
    program.tensor("b", 7, [1, 2])
    program.nodes.append(
      """
      {"target": "torch.ops.aten.chunk.default", "inputs": [{"name": "self", "arg": \(TestProgram.tensor("c")), "kind": 1},
      {"name": "chunks", "arg": {"as_int": 2}, "kind": 1}, {"name": "dim", "arg": {"as_int": 1}, "kind": 1}],
      "outputs": [{"as_tensors": [{"name": "a"}, {"name": "b"}]}], "name": "chunk"}
      """)
    program.node("mul_.Tensor", ["self": TestProgram.tensor("a"), "other": TestProgram.float(10)], "m", 7, [1, 2])
    for name in ["c", "a", "b"] { program.output(name) }
    #expect(try program.model().graph.nodes.contains { $0.schema.name == "Split" })
    let results = try program.run(["x": try floats([1, 2, 3, 4], [1, 4])])
    #expect(try results["c"]?.elements(as: Float.self) == [10, 20, 3, 4])
    #expect(try results["a"]?.elements(as: Float.self) == [10, 20])
    #expect(try results["b"]?.elements(as: Float.self) == [3, 4])
  }

  /// Bins of an extent n that a run decides go from floor(i n / 2) to ceil((i + 1) n / 2).
  @Test func poolsOpenExtentsToBins() throws {
    var program = TestProgram()
    program.openInput("x", 7, ["1", "1", "Symbol('s0')"])
    let two = "{\"as_ints\": [2]}"
    program.node("adaptive_avg_pool1d", ["self": TestProgram.tensor("x"), "output_size": two], "mean", 7, [1, 1, 2])
    program.tensor("largest", 7, [1, 1, 2])
    program.tensor("place", 5, [1, 1, 2])
    program.nodes.append(
      """
      {"target": "torch.ops.aten.adaptive_max_pool1d.default", "inputs": [{"name": "self", "arg": \(TestProgram.tensor("x")), "kind": 1},
      {"name": "output_size", "arg": \(two), "kind": 1}], "outputs": [\(TestProgram.tensor("largest")), \(TestProgram.tensor("place"))], "name": "pool"}
      """)
    for name in ["mean", "largest", "place"] { program.output(name) }
    let odd = try program.run(["x": try floats([1, 2, 9, 3, 4], [1, 1, 5])])
    #expect(try odd["mean"]?.elements(as: Float.self) == [4, 16.0 / 3])
    #expect(try odd["largest"]?.elements(as: Float.self) == [9, 9])
    #expect(try odd["place"]?.elements(as: Int64.self) == [2, 2])
    let even = try program.run(["x": try floats([1, 2, 3, 3], [1, 1, 4])])
    #expect(try even["mean"]?.elements(as: Float.self) == [1.5, 3])
    #expect(try even["place"]?.elements(as: Int64.self) == [1, 2])
  }

  /// A check between tokens leaves nothing behind; another effect is refused by its name.
  @Test(arguments: [("torch.ops.aten._linalg_check_errors.default", true), ("torch.ops.mine.print.default", false)])
  func tokens(_ target: String, isCheck: Bool) throws {
    var program = TestProgram()
    program.inputs.append(TestProgram.tensor("token"))
    program.inputSpecs.append("{\"token\": {\"arg\": {\"name\": \"token\"}}}")
    program.input("x", 7, [1])
    program.node("neg", ["self": TestProgram.tensor("x")], "y", 7, [1])
    program.nodes.append(
      """
      {"target": "torch.ops.higher_order.with_effects", "inputs": [{"name": "", "arg": \(TestProgram.tensor("token")), "kind": 1},
      {"name": "", "arg": {"as_operator": "\(target)"}, "kind": 1}, {"name": "", "arg": \(TestProgram.tensor("y")), "kind": 1}],
      "outputs": [\(TestProgram.tensor("after")), {"as_none": true}], "name": "with_effects"}
      """)
    program.outputs.append(TestProgram.tensor("after"))
    program.outputSpecs.append("{\"token\": {\"arg\": {\"name\": \"after\"}}}")
    program.output("y")
    guard isCheck else {
      let error = #expect(throws: PinionError.self) { try program.model() }
      #expect(error?.code == .unsupported && error?.message.contains(target) == true)
      return
    }
    #expect(try program.model().inputs.map(\.name) == ["x"])
    #expect(try program.run(["x": try floats([2], [1])])["y"]?.elements(as: Float.self) == [-2])
  }

  @Test func mutatedBuffersAreInputsWithDefaultsAndOutputs() throws {
    var program = TestProgram()
    program.storage("weight_0", [5] as [Float])
    program.buffer("count", 7, [1], strides: [1], file: "weight_0")
    program.input("x", 7, [1])
    program.node("add_.Tensor", ["self": TestProgram.tensor("b_count"), "other": TestProgram.tensor("x")], "added", 7, [1])
    program.node("neg.default", ["self": TestProgram.tensor("b_count")], "y", 7, [1])
    program.output("y")
    let session = try Session(try program.model(), runtime: try Runtime(threads: 1))
    #expect(session.model.overridableInputs.map(\.name) == ["count"])
    #expect(session.model.outputs.map(\.name) == ["y", "count.new"])
    let first = try session.run(["x": .tensor(try floats([2], [1]))])
    #expect(try first[0].asTensor().elements(as: Float.self) == [-7])
    let second = try session.run(["x": .tensor(try floats([2], [1])), "count": first[1]])
    #expect(try second[1].asTensor().elements(as: Float.self) == [9])
  }

  // MARK: Refusals

  @Test func reportsAllMissingTargets() throws {
    var program = TestProgram()
    program.input("x", 7, [2])
    program.node("frobnicate.default", ["self": TestProgram.tensor("x")], "a", 7, [2])
    program.node("neg.default", ["self": TestProgram.tensor("a")], "b", 7, [2])
    program.node("twiddle.out", ["self": TestProgram.tensor("b")], "c", 7, [2])
    program.output("c")
    let error = #expect(throws: PinionError.self) { try program.model() }
    #expect(error?.code == .unsupported)
    #expect(error?.others.map(\.operatorName) == ["torch.ops.aten.frobnicate.default", "torch.ops.aten.twiddle.out"])
    #expect(error?.others.map(\.node) == ["a", "c"])
  }

  @Test(arguments: [
    (["m/archive_format", "m/data/aotinductor/model/x.so"], "AOTInductor"),
    (["serialized_exported_program.json", "version"], "torch 2.7"),
    (["m/code/__torch__.py", "m/constants.pkl", "m/data.pkl"], "TorchScript"),
    (["m/data.pkl", "m/version"], "pickle"),
    (["readme.txt"], "no .pt2"),
  ])
  func saysWhatToExportInstead(members: [String], word: String) throws {
    var archive = ArchiveBytes()
    for member in members { archive.add(member, "x") }
    let error = #expect(throws: PinionError.self) { try Model(try TestProgram.file(archive.bytes)) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains(word) == true)
    #expect(error?.message.contains("torch.export.save") == true)
  }

  @Test(arguments: [2, 4, 5] as [UInt8]) func tellsAPickleByItsFirstBytes(version: UInt8) throws {
    let error = #expect(throws: PinionError.self) { try Model(try TestProgram.file([0x80, version, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46])) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("pickle") == true && error?.message.contains("torch.export.save") == true)
  }

  @Test func refusesAnotherSchema() throws {
    var archive = ArchiveBytes()
    archive.add("m/archive_format", "pt2")
    archive.add("m/models/model.json", "{\"schema_version\": {\"major\": 9, \"minor\": 0}}")
    let error = #expect(throws: PinionError.self) { try Model(try TestProgram.file(archive.bytes)) }
    #expect(error?.code == .unsupported)
  }

  @Test func neverTrapsOnChangedPrograms() throws {
    var program = TestProgram()
    program.input("x", 7, [2, 2])
    program.node("select.int", ["self": TestProgram.tensor("x"), "dim": TestProgram.int(1), "index": TestProgram.int(1)], "column", 7, [2])
    program.node("unsqueeze.default", ["self": TestProgram.tensor("column"), "dim": TestProgram.int(0)], "y", 7, [1, 2])
    program.output("y")
    let text = Array(program.json.utf8)
    for index in text.indices where (0x30...0x39).contains(text[index]) {
      for digits in ["9", "-9", "99999999999", "9223372036854775807", "-9223372036854775808", "null", "[]"] {
        var archive = ArchiveBytes()
        archive.add("m/archive_format", "pt2")
        archive.add("m/models/model.json", Array(text[..<index]) + Array(digits.utf8) + Array(text[(index + 1)...]))
        _ = try? Model(try TestProgram.file(archive.bytes))
      }
    }
  }
}
