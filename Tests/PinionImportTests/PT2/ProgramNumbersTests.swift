import Pinion
import PinionBase
import PinionTensor
import Testing

/// Ranks, extents and counts that no program of PyTorch's has, and the constants that targets make of counts.
@Suite struct ProgramNumbersTests {
  private func ints(_ values: [Int]) -> String { "{\"as_ints\": \(values)}" }

  /// What loading a program of one target on `x` of these sizes says.
  private func code(
    _ target: String, _ arguments: KeyValuePairs<String, String>, _ sizes: [Int], element: Int = 7, bytes: Int? = nil
  ) throws -> ErrorCode? {
    var program = TestProgram()
    program.input("x", element, sizes)
    program.node(target, arguments, "y", 7, [])
    program.output("y")
    var limits = RunLimits()
    limits.bytes = bytes
    do {
      _ = try Model(try TestProgram.file(program.archive.bytes), limits: limits)
      return nil
    } catch { return (error as? PinionError)?.code }
  }

  private func result(_ target: String, _ arguments: KeyValuePairs<String, String>, _ x: Tensor, _ dtype: Int, _ sizes: [Int]) throws -> Tensor? {
    var program = TestProgram()
    program.input("x", x.element == .int64 ? 5 : 7, x.shape.dims)
    program.node(target, arguments, "y", dtype, sizes)
    program.output("y")
    return try program.run(["x": x])["y"]
  }

  // MARK: Ranks

  /// An axis of 0 or -1 is a scalar's own for some targets; those that list extents have none to begin with.
  @Test func scalarsHaveNoAxisToTakeApart() throws {
    let x = TestProgram.tensor("x"), zero = TestProgram.int(0)
    let calls: [(String, KeyValuePairs<String, String>)] = [
      ("unflatten.int", ["self": x, "dim": zero, "sizes": ints([1, 1])]),
      ("repeat_interleave.self_int", ["self": x, "repeats": TestProgram.int(2), "dim": zero]),
      ("take_along_dim.default", ["self": x, "indices": x, "dim": zero]),
      ("tensordot.default", ["self": x, "other": x, "dims_self": ints([0]), "dims_other": ints([0])]),
      ("select.int", ["self": x, "dim": TestProgram.int(-1), "index": zero]),
      ("chunk.default", ["self": x, "chunks": TestProgram.int(2)]),
    ]
    for (target, arguments) in calls { #expect(try code(target, arguments, [], element: 5) == .invalidModel, "\(target)") }
  }

  /// Runs of what has no elements along the dimension are none.
  @Test func runsOfNothing() throws {
    let x = TestProgram.tensor("x")
    let found = try result("unique_consecutive.default", ["self": x, "dim": TestProgram.int(1)], try Tensor([Float](), try Shape([2, 0])), 7, [2, 0])
    #expect(found?.shape.dims == [2, 0])
    let runs = try result(
      "unique_consecutive.default", ["self": x, "dim": TestProgram.int(0)], try Tensor([1, 1, 2, 1] as [Float], try Shape([4])), 7, [3])
    #expect(try runs?.elements(as: Float.self) == [1, 2, 1])
  }

  @Test func productsOfNothingAreTheModelsFault() throws {
    #expect(try code("einsum.default", ["equation": "{\"as_string\": \"->\"}", "tensors": "{\"as_tensors\": []}"], [2]) == .invalidModel)
  }

  @Test func scalarsAreTurnedAndMovedAsTheyAre() throws {
    let x = TestProgram.tensor("x"), zero = ints([0])
    for (target, arguments) in [
      ("flip.default", ["self": x, "dims": zero]), ("movedim.int", ["self": x, "source": TestProgram.int(0), "destination": TestProgram.int(-1)]),
      ("softmax.int", ["self": x, "dim": TestProgram.int(0)]), ("sum.dim_IntList", ["self": x, "dim": zero]),
    ] as [(String, KeyValuePairs<String, String>)] {
      #expect(try code(target, arguments, []) == nil, "\(target)")
    }
  }

  // MARK: Extents

  /// Two factors of 2^31 and one more number do not fit 64 bits; what is beyond 2^31 counts as not known.
  @Test func extentsGrowWithoutEnd() throws {
    var program = TestProgram()
    program.input("x", 7, [2])
    var last = "x"
    for index in 0..<4 {
      program.node("repeat.default", ["self": TestProgram.tensor(last), "repeats": ints([1 << 31])], "r\(index)", 7, [1 << 32])
      program.node("constant_pad_nd.default", ["self": TestProgram.tensor("r\(index)"), "pad": ints([1 << 31, 1 << 31])], "p\(index)", 7, [1 << 33])
      last = "p\(index)"
    }
    program.output(last)
    _ = try program.model()
  }

  // MARK: Lists of a length that the program decides

  /// None of them comes from Swift's heap, whose exhaustion ends the process.
  @Test func refusesListsThatNoHostGives() throws {
    let x = TestProgram.tensor("x"), big = 1 << 31
    #expect(try code("diagonal.default", ["self": x], [big, big]) == .unsupported)
    #expect(try code("unfold.default", ["self": x, "dimension": TestProgram.int(0), "size": TestProgram.int(64), "step": TestProgram.int(1)], [big]) == .unsupported)
    #expect(try code("as_strided.default", ["self": x, "size": ints([big, big]), "stride": ints([0, 0])], [4]) != nil)
    #expect(try code("group_norm.default", ["input": x, "num_groups": TestProgram.int(1)], [1, big, 2]) == .unsupported)
    // No element, though the list would be long on the way.
    #expect(try code("as_strided.default", ["self": x, "size": ints([big, 0]), "stride": ints([1, 1])], [4]) == nil)
  }

  @Test func listsCountAgainstTheBudget() throws {
    let arguments: KeyValuePairs<String, String> = ["start": TestProgram.int(0), "end": TestProgram.int(1), "steps": TestProgram.int(1 << 20)]
    #expect(try code("linspace.default", arguments, [1], bytes: 4 << 20) == .budgetExceeded)
    #expect(try code("linspace.default", arguments, [1], bytes: 16 << 20) == nil)
  }

  @Test func windowsAndStridesShowTheirElements() throws {
    let x = try Tensor(vector: [0, 1, 2, 3, 4] as [Float]), name = TestProgram.tensor("x")
    let windows = try result("unfold_copy.default", ["self": name, "dimension": TestProgram.int(0), "size": TestProgram.int(3), "step": TestProgram.int(2)], x, 7, [2, 3])
    #expect(try windows?.elements(as: Float.self) == [0, 1, 2, 2, 3, 4])
    let strided = try result("as_strided.default", ["self": name, "size": ints([2, 3]), "stride": ints([2, 1]), "storage_offset": TestProgram.int(0)], x, 7, [2, 3])
    #expect(try strided?.elements(as: Float.self) == [0, 1, 2, 2, 3, 4])
  }

  @Test func trianglesListTheirPlaces() throws {
    let x = try Tensor(vector: [0] as [Float])
    func triangle(_ target: String, _ rows: Int, _ columns: Int, _ offset: Int, _ count: Int) throws -> [Int64]? {
      try result(
        target, ["row": TestProgram.int(rows), "col": TestProgram.int(columns), "offset": TestProgram.int(offset)], x, 5, [2, count])?.elements(as: Int64.self)
    }
    #expect(try triangle("tril_indices.default", 3, 3, -1, 3) == [1, 2, 2, 0, 0, 1])
    #expect(try triangle("triu_indices.default", 2, 3, 1, 3) == [0, 0, 1, 1, 2, 2])
    #expect(try triangle("tril_indices.default", 2, 2, -5, 0) == [])
  }

  @Test func frequenciesTurnNegative() throws {
    let x = try Tensor(vector: [0] as [Float])
    func frequencies(_ target: String, _ n: Int, _ count: Int) throws -> [Float]? {
      try result(target, ["n": TestProgram.int(n), "d": TestProgram.float(0.5)], x, 7, [count])?.elements(as: Float.self)
    }
    #expect(try frequencies("fft_fftfreq.default", 4, 4) == [0, 0.5, -1, -0.5])
    #expect(try frequencies("fft_fftfreq.default", 5, 5) == [0, 0.4, 0.8, -0.8, -0.4])
    #expect(try frequencies("fft_rfftfreq.default", 4, 3) == [0, 0.5, 1])
  }

  @Test func everyPairOfRowsHasADistance() throws {
    let x = try Tensor([0, 1, 3, 7] as [Float], try Shape([4, 1]))
    #expect(try result("pdist.default", ["self": TestProgram.tensor("x")], x, 7, [6])?.elements(as: Float.self) == [1, 3, 7, 2, 6, 4])
  }

  @Test(arguments: [([3, 3], [2, 2], [4, 5, 7, 8]), ([2, 4], [1, 3], [5, 6, 7]), ([2, 3], [3, 3], [0, 1, 2, 3, 4, 5, 3, 4, 5])])
  func adaptiveMaximaTellTheirPlaces(sizes: [Int], bins: [Int], expected: [Int64]) throws {
    var program = TestProgram()
    program.input("x", 7, [1, 1] + sizes)
    program.tensor("m", 7, [1, 1] + bins)
    program.tensor("i", 5, [1, 1] + bins)
    program.nodes.append(
      """
      {"target": "torch.ops.aten.adaptive_max_pool2d.default", "inputs": [{"name": "self", "arg": \(TestProgram.tensor("x")), "kind": 1},
      {"name": "output_size", "arg": \(ints(bins)), "kind": 1}], "outputs": [\(TestProgram.tensor("m")), \(TestProgram.tensor("i"))], "name": "pool"}
      """)
    for name in ["m", "i"] { program.output(name) }
    let count = sizes[0] * sizes[1]
    let results = try program.run(["x": try Tensor((0..<count).map(Float.init), try Shape([1, 1] + sizes))])
    // Each element is its own place.
    #expect(try results["i"]?.elements(as: Int64.self) == expected)
    #expect(try results["m"]?.elements(as: Float.self) == expected.map(Float.init))
  }
}
