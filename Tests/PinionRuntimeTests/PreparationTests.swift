import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Synchronization
import Testing

@testable import PinionRuntime

/// What is made before the first run, and what stays of a plan that a run's end interrupts.
@Suite struct PreparationTests {
  /// Counts what is allocated, and cancels when it is told to.
  private final class Counting: @unchecked Sendable {
    let count = Atomic<Int>(0)
    /// Cancelled by each allocation of at least `least` bytes.
    let token = Mutex<CancelToken?>(nil)
    let least: Int
    init(least: Int) { self.least = least }

    /// Memory that it gives may outlive all else, so that it stays for good.
    var allocator: Allocator {
      Allocator(
        allocate: { bytes, alignment, context in
          if let context {
            let counting = Unmanaged<Counting>.fromOpaque(context).takeUnretainedValue()
            if bytes >= counting.least {
              counting.count.wrappingAdd(1, ordering: .relaxed)
              counting.token.withLock { $0?.cancel() }
            }
          }
          var pointer: UnsafeMutableRawPointer?
          return posix_memalign(&pointer, alignment, bytes) == 0 ? pointer : nil
        }, deallocate: { pointer, _, _ in free(pointer) }, context: Unmanaged.passRetained(self).toOpaque())
    }
  }

  /// `count` products of matrices one after the other, each with weights of its own.
  private func products(_ count: Int, _ counting: Counting) throws -> Program {
    let side = 64
    var graph = Graph()
    let x = graph.addValue("x")
    graph.inputs = [x]
    var value = x
    for index in 0..<count {
      let weights = graph.addConstant(try Tensor((0..<side * side).map { Float(($0 * 31 + index) % 17 - 8) / 64 }, Shape([side, side])))
      let output = graph.addValue("")
      graph.nodes.append(
        try OperatorCatalog().node("MatMul", name: "n\(index)", attributes: [:], inputs: [value, weights], outputs: [output]))
      value = output
    }
    graph.outputs = [value]
    try graph.adoptConstants(allocator: counting.allocator, isNew: true)
    return Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)),
      packed: PackedWeights(allocator: counting.allocator))
  }

  private func code(_ body: () throws(PinionError) -> Void) -> ErrorCode? {
    do {
      try body()
      return nil
    } catch { return error.code }
  }

  private func bytes(_ values: [Value]) throws -> [[UInt8]] { try values.map { Array(try $0.asTensor().bytes) } }

  @Test func aPreparedRunMakesNeitherFormsNorPlans() throws {
    let counting = Counting(least: 64 * 64 * 4), other = Counting(least: 64 * 64 * 4)
    let prepared = try products(5, counting), plain = try products(5, other)
    let input = try Tensor((0..<3 * 64).map { Float($0 % 13) }, Shape([3, 64])), profile = Profile()
    try prepared.prepare([.unseen(input.type)], unseen: [0], control: RunControl(), profile: profile)
    let forms = counting.count.load(ordering: .relaxed)
    #expect(forms == 5 && profile.planning.made == 5)
    let result = try prepared.run([.tensor(input)], control: RunControl(), profile: profile)
    #expect(counting.count.load(ordering: .relaxed) == forms && profile.planning.made == 5)
    #expect(try bytes(result) == bytes(try plain.run([.tensor(input)], control: RunControl())))
    // The memory of the run was made as well.
    let segment = try prepared.rootSegment(for: [.tensor(input)])
    #expect(segment.workspaces.hasMade)
  }

  /// A run that is cancelled whenever it has made one form comes further each time, and nothing is made twice.
  @Test(arguments: [false, true]) func whatIsMadeBeforeTheEndStays(prepares: Bool) throws {
    let count = 12
    let counting = Counting(least: 64 * 64 * 4)
    let program = try products(count, counting), profile = Profile()
    let input = Value.tensor(try Tensor([Float](repeating: 1, count: 64), Shape([1, 64])))
    var attempts = 0
    while attempts <= count {
      attempts += 1
      var limits = RunLimits()
      let token = CancelToken()
      limits.token = token
      counting.token.withLock { $0 = token }
      let end = code { () throws(PinionError) in
        if prepares {
          try program.prepare([input], unseen: [0], control: RunControl(limits), profile: profile)
        } else {
          _ = try program.run([input], control: RunControl(limits), profile: profile)
        }
      }
      guard let end else { break }
      #expect(end == .cancelled)
      #expect(counting.count.load(ordering: .relaxed) == attempts)
    }
    counting.token.withLock { $0 = nil }
    _ = try program.run([input], control: RunControl(), profile: profile)
    #expect(attempts == count || attempts == count + 1)
    #expect(counting.count.load(ordering: .relaxed) == count)
    #expect(profile.planning.made == count)
    let plain = try products(count, Counting(least: 1))
    #expect(try bytes(program.run([input], control: RunControl())) == bytes(plain.run([input], control: RunControl())))
  }

  /// What was interrupted for one shape is no plan for another.
  @Test func anotherShapeStartsAnew() throws {
    let counting = Counting(least: 64 * 64 * 4)
    let program = try products(4, counting)
    let one = Value.tensor(try Tensor([Float](repeating: 1, count: 64), Shape([1, 64])))
    let two = Value.tensor(try Tensor([Float](repeating: 1, count: 128), Shape([2, 64])))
    var limits = RunLimits()
    limits.token = CancelToken()
    counting.token.withLock { $0 = limits.token }
    #expect(throws: PinionError.self) { try program.run([one], control: RunControl(limits)) }
    counting.token.withLock { $0 = nil }
    let wide = try program.run([two], control: RunControl())[0].asTensor(), narrow = try program.run([one], control: RunControl())[0].asTensor()
    #expect(wide.shape.dims == [2, 64] && narrow.shape.dims == [1, 64])
    #expect(try wide.elements(as: Float.self) == (try narrow.elements(as: Float.self)) + (try narrow.elements(as: Float.self)))
  }

  /// -x in a loop of n iterations, |x| of what the loop gives.
  private let loop = """
    graph "g" {
      input %x: float32[n]
      input %n: int64[]
      %y = Loop(%n, _, %x) {body = graph "b" {
        input %i: int64[]
        input %going: bool[]
        input %v: float32[n]
        %on = Identity(%going)
        %w = Neg(%v)
        output %on
        output %w
      }}
      %z = Abs(%y)
      output %z
    }
    """

  @Test func bodiesAndWhatFollowsThemArePrepared() throws {
    let program = try program(loop), profile = Profile()
    let inputs = [Value.tensor(try Tensor(vector: [1, -2] as [Float])), .tensor(try Tensor(scalar: Int64(3)))]
    try program.prepare(inputs, unseen: [0], control: RunControl(), profile: profile)
    let made = profile.planning.made
    #expect(made >= 4)
    let result = try program.run(inputs, control: RunControl(), profile: profile)[0].asTensor()
    #expect(try result.elements(as: Float.self) == [1, 2])
    #expect(profile.planning.made == made)
  }

  @Test func aBranchIsPlannedWhereItsValueIsGiven() throws {
    for isGiven in [true, false] {
      let program = try program(byValue), profile = Profile()
      let inputs = [Value.tensor(try Tensor(vector: [1, -2] as [Float])), .tensor(try Tensor(scalar: Int64(16)))]
      let prepared = isGiven ? inputs : [inputs[0], try .unseen(TensorType(.int64, .scalar))]
      try program.prepare(prepared, unseen: isGiven ? [0] : [0, 1], control: RunControl(), profile: profile)
      let made = profile.planning.made
      for (number, expected) in [(16, [-1, 2]), (8, [1, 2])] as [(Int64, [Float])] {
        let result = try program.run([inputs[0], .tensor(try Tensor(scalar: number))], control: RunControl(), profile: profile)[0].asTensor()
        #expect(try result.elements(as: Float.self) == expected)
        if number == 16 { #expect((profile.planning.made == made) == isGiven) }
      }
      // The preparation has not settled that the value does not decide.
      #expect(program.specializations.withLock { $0.count } == 2)
    }
  }

  @Test func limitsHold() throws {
    let program = try products(3, Counting(least: 1))
    let input = try Tensor([Float](repeating: 1, count: 64), Shape([1, 64]))
    var bytes = RunLimits()
    bytes.bytes = 10
    var deadline = RunLimits()
    deadline.deadline = 1
    for (limits, code) in [(bytes, ErrorCode.budgetExceeded), (deadline, .deadlineExceeded)] {
      let end = self.code { () throws(PinionError) in
        try program.prepare([.unseen(input.type)], unseen: [0], control: RunControl(limits))
      }
      #expect(end == code)
    }
    #expect(throws: PinionError.self) { try program.prepare([.unseen(TensorType(.float32, try Shape([1, 63])))], unseen: [0], control: RunControl()) }
  }
}
