import Foundation
import Synchronization
import Testing

@testable import Pinion
@testable import PinionTensor

/// Weights own their forms, which all sessions of a file share, and are not in memory twice.
@Suite struct ConstantTests {
  static let side = 512

  /// A file of a model that is deleted with this object.
  private final class ModelFile {
    let path: String
    init(_ bytes: [UInt8]) throws {
      path = "/tmp/pinion-constant-\(UUID().uuidString).onnx"
      try write(bytes)
    }
    func write(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
    deinit { unlink(path) }
  }

  /// x · w, of floats or halves, and rows of w. The name of the weights decides their alignment in the file.
  private func bytes(nameLength: Int, _ element: ElementType = .float32, seed: Float = 1) throws -> [UInt8] {
    let side = Self.side, count = side * side
    let numbers = (0..<count).map { seed * Float($0 * 7919 % 1009) / 1009 - 0.5 }
    let shape = try Shape([side, side])
    let weights = element == .float32 ? try Tensor(numbers, shape) : try Tensor(numbers.map { Float16($0) }, shape)
    let name = String(repeating: "w", count: nameLength)
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("MatMul", ["x", name], ["y"]), ONNX.Node("Abs", ["x"], ["b"]), ONNX.Node("MatMul", ["b", name], ["z"]),
      ],
      inputs: [("x", .tensor(element, [0, side]))], outputs: ["y", "z"], initializers: [(name, weights)])
    return ONNX.model(graph, opset: 17)
  }

  private func input(_ rows: Int, _ element: ElementType = .float32) throws -> Value {
    let numbers = (0..<rows * Self.side).map { Float($0 * 31 % 17) / 17 - 0.5 }
    let shape = try Shape([rows, Self.side])
    return .tensor(element == .float32 ? try Tensor(numbers, shape) : try Tensor(numbers.map { Float16($0) }, shape))
  }

  private func results(_ session: Session, rows: Int, _ element: ElementType = .float32) throws -> [[UInt8]] {
    try session.run(["x": try input(rows, element)]).map { Array(try $0.asTensor().bytes) }
  }

  private func weights(_ session: Session) throws -> Tensor {
    try #require(session.program.graph.constants.values.first { $0.count == Self.side * Self.side })
  }

  @Test(arguments: [ElementType.float32, .float16], 0...2) func everyAlignmentGivesTheSame(element: ElementType, level: Int) throws {
    var expected: [[UInt8]]?
    var alignments: Set<Int> = []
    for length in 1...4 {
      let file = try ModelFile(try bytes(nameLength: length, element))
      let session = try session(try Model(path: file.path), level: level)
      alignments.insert(Int(bitPattern: try weights(session).start) % 4)
      let found = try results(session, rows: 9, element) + results(session, rows: 1, element)
      if let expected { #expect(found == expected) } else { expected = found }
    }
    #expect(alignments.count > 1)
  }

  /// Kernels that have a form of the weights leave nothing else of them in memory.
  @Test(arguments: [ElementType.float32, .float16]) func nothingStaysBesideTheForm(element: ElementType) throws {
    for length in 1...4 {
      let file = try ModelFile(try bytes(nameLength: length, element))
      let session = try session(try Model(path: file.path), level: 2)
      _ = try results(session, rows: 9, element)
      let weights = try weights(session), constant = try #require(weights.constant)
      #expect(!constant.isKept)
      #expect(try residentBytes(at: weights.start) < weights.byteCount / 4)
      // Who wants the elements gets them, and then they stay where they are.
      let elements = weights.data
      #expect(weights.isMade == constant.isKept && weights.data == elements)
    }
  }

  /// How much of the mapping at the address is in memory.
  private func residentBytes(at address: UnsafeMutableRawPointer) throws -> Int {
    // A list that is read while another thread maps memory may lack lines.
    for _ in 0..<100 { if let bytes = try listedBytes(at: address) { return bytes } }
    throw PinionError.internal("the address is not mapped")
  }

  private func listedBytes(at address: UnsafeMutableRawPointer) throws -> Int? {
    var isInside = false
    let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
    for line in String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n") {
      if let range = line.prefixMatch(of: #/([0-9a-f]+)-([0-9a-f]+) /#) {
        let lower = try #require(UInt(range.1, radix: 16)), upper = try #require(UInt(range.2, radix: 16))
        isInside = (lower..<upper).contains(UInt(bitPattern: address))
      } else if isInside, let size = line.wholeMatch(of: #/Rss: +([0-9]+) kB/#) {
        return try #require(Int(size.1)) << 10
      }
    }
    return nil
  }

  @Test func elementsThatAreMadeGoWithTheirHolder() throws {
    let made = Mutex(0)
    let count = 100_000
    let file = try [UInt8](repeating: 7, count: count).withUnsafeBytes { bytes throws(PinionError) in try FileMapping(copying: bytes) }
    let base = try #require(file.bytes.baseAddress)
    let source = Constant.copied(file.all, at: base, TensorType(.uint8, try Shape([count])))
    let doubled = try #require(source.constant).derived("doubled", of: source, as: source.type) { elements, target, range in
      made.withLock { $0 += 1 }
      for index in range { target.storeBytes(of: 2 * elements.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self) }
    }
    #expect(made.withLock { $0 } == 0)
    do {
      let first = try doubled.resident(), second = try doubled.resident()
      #expect(first.data == second.data && made.withLock { $0 } == 1)
      #expect(try first.elements(as: UInt8.self) == [UInt8](repeating: 14, count: count))
    }
    _ = try doubled.resident()
    #expect(made.withLock { $0 } == 2)
    let kept = doubled.data
    #expect(doubled.data == kept && made.withLock { $0 } == 3)
    #expect(try doubled.resident().data == kept && made.withLock { $0 } == 3)
  }

  /// What a limit has ended goes on where it was, each piece once.
  @Test func aFormThatWasEndedIsMadeToItsEnd() throws {
    let count = 1 << 20, numbers = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let file = try numbers.withUnsafeBytes { bytes throws(PinionError) in try FileMapping(copying: bytes) }
    let base = try #require(file.bytes.baseAddress)
    let source = Constant.copied(file.all, at: base, TensorType(.uint8, try Shape([count]))), constant = try #require(source.constant)
    let token = CancelToken()
    var limits = RunLimits()
    limits.token = token
    var pieces: [Int] = []
    func form(endAfter last: Int?) throws(PinionError) -> Buffer {
      let before = pieces.count
      return try constant.form("reversed", of: source, bytes: count, control: RunControl(limits)) { (elements, target, work) throws(PinionError) in
        for half in 0..<2 {
          try work.inPieces(of: count / 16, count / 2) { range in
            pieces.append(half * 8 + range.lowerBound / (count / 16))
            for index in range {
              let place = half * count / 2 + index
              target.storeBytes(of: elements.load(fromByteOffset: place, as: UInt8.self), toByteOffset: count - 1 - place, as: UInt8.self)
            }
            if pieces.count - before == last { token.cancel() }
          }
        }
      }
    }
    for last in [3, 8] {
      #expect { _ = try form(endAfter: last) } throws: { ($0 as? PinionError)?.code == .cancelled }
      token.reset()
    }
    let made = try form(endAfter: nil)
    #expect(pieces == Array(0..<16))
    #expect(Array(UnsafeRawBufferPointer(start: made.pointer, count: count)) == numbers.reversed())
    #expect(try form(endAfter: nil) === made)
  }

  /// The same of elements that are made of others, which are made as well: no piece of either is made twice.
  @Test func elementsWhoseMakingWasEndedAreMadeToTheirEnd() throws {
    let count = 3 << 20, numbers = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 11) }
    let file = try numbers.withUnsafeBytes { bytes throws(PinionError) in try FileMapping(copying: bytes) }
    let base = try #require(file.bytes.baseAddress)
    let source = Constant.copied(file.all, at: base, TensorType(.uint8, try Shape([count])))
    let token = CancelToken()
    var limits = RunLimits()
    limits.token = token
    let starts = Mutex<[Int]>([])
    let turned = try #require(source.constant).derived("turned", of: source, as: source.type) { elements, target, range in
      let last = starts.withLock { starts in
        starts.append(range.lowerBound)
        return starts.count
      }
      if last == 2 { token.cancel() }
      for index in range { target.storeBytes(of: ~elements.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index, as: UInt8.self) }
    }
    token.cancel()
    #expect { _ = try turned.kept(RunControl(limits)) } throws: { ($0 as? PinionError)?.code == .cancelled }
    token.reset()
    #expect { _ = try turned.kept(RunControl(limits)) } throws: { ($0 as? PinionError)?.code == .cancelled }
    token.reset()
    let kept = try turned.kept(RunControl(limits))
    #expect(starts.withLock { $0 } == [0, 1 << 20, 2 << 20])
    #expect(try kept.elements(as: UInt8.self) == numbers.map { ~$0 })
    // A form of what it is made of as well.
    var pieces: [Int] = []
    let constant = try #require(turned.constant)
    func form(_ control: RunControl) throws(PinionError) -> Buffer {
      try constant.narrowForm("plain", of: turned, bytes: count, control: control) { (elements, target, work) throws(PinionError) in
        try work.inPieces(of: 1 << 20, count) { range in
          pieces.append(range.lowerBound)
          if pieces.count == 1 { token.cancel() }
          (target + range.lowerBound).copyMemory(from: elements + range.lowerBound, byteCount: range.count)
        }
      }
    }
    #expect { _ = try form(RunControl(limits)) } throws: { ($0 as? PinionError)?.code == .cancelled }
    token.reset()
    let made = try form(RunControl(limits))
    #expect(pieces == [0, 1 << 20, 2 << 20])
    #expect(Array(UnsafeRawBufferPointer(start: made.pointer, count: count)) == numbers)
  }

  @Test func modelsOfOneFileShareEverything() throws {
    let file = try ModelFile(try bytes(nameLength: 1)), registry = ModelRegistry(), runtime = try Runtime(threads: 1)
    var first: Model? = try Model(path: file.path, registry: registry)
    weak let content = first?.content
    let one = try Session(try #require(first), runtime: runtime)
    let before = try results(one, rows: 3)
    do {
      let second = try Model(path: file.path, registry: registry)
      let two = try Session(second, runtime: runtime)
      #expect(second.content === first?.content && two.program === one.program)
      var options = SessionOptions()
      options.planLimit = 3
      // Other plans, of the same weights.
      let three = try Session(second, runtime: runtime, options: options)
      #expect(three.program !== one.program)
      #expect(try weights(three).constant === weights(one).constant)
      #expect(try results(two, rows: 3) == before && results(three, rows: 3) == before)
    }
    // Another content under the same name.
    unlink(file.path)
    try file.write(try bytes(nameLength: 1, seed: 2))
    let changed = try Session(try Model(path: file.path, registry: registry), runtime: runtime)
    #expect(try results(changed, rows: 3) != before && results(one, rows: 3) == before)
    first = nil
    #expect(content != nil)
    withExtendedLifetime(one) {}
  }

  @Test func theContentGoesWithTheLastModel() throws {
    let file = try ModelFile(try bytes(nameLength: 1)), registry = ModelRegistry()
    weak var content: ModelContent?
    weak var constant: Constant?
    do {
      let session = try session(try Model(path: file.path, registry: registry), level: 2)
      _ = try results(session, rows: 9)
      content = session.model.content
      constant = try weights(session).constant
      #expect(content != nil && constant != nil)
    }
    #expect(content == nil && constant == nil)
  }

  @Test func wantedOutputsOnlyPrune() throws {
    let session = try session(try load(try bytes(nameLength: 1)), level: 2)
    let all = try session.run([try input(5)], wanted: [0, 1])
    let part = try session.run([try input(5)], wanted: [1])
    #expect(try Array(part[0].asTensor().bytes) == Array(all[1].asTensor().bytes))
    let pruned = try session.program(overrides: [], outputs: [1], isTied: true, control: RunControl()).graph
    #expect(pruned.nodes.count == 2 && session.program.graph.nodes.count == 3)
    let constant = try weights(session).constant
    #expect(pruned.constants.values.contains { $0.constant === constant })
  }

  @Test func formsComeFromTheModelsAllocator() throws {
    let counter = Counter()
    let allocator = Allocator(
      allocate: { bytes, alignment, context in
        if let context { Unmanaged<Counter>.fromOpaque(context).takeUnretainedValue().bytes.withLock { $0 += bytes } }
        return aligned_alloc(alignment, bytes)
      },
      deallocate: { pointer, bytes, context in
        if let context { Unmanaged<Counter>.fromOpaque(context).takeUnretainedValue().bytes.withLock { $0 -= bytes } }
        free(pointer)
      }, context: Unmanaged.passUnretained(counter).toOpaque())
    for length in 1...4 {
      let file = try ModelFile(try bytes(nameLength: length))
      do {
        let session = try session(try Model(path: file.path, allocator: allocator), level: 2)
        _ = try results(session, rows: 9)
        let held = counter.bytes.withLock { $0 }, size = Self.side * Self.side * 4
        #expect(held >= size && held < size * 3 / 2)
      }
      #expect(counter.bytes.withLock { $0 } == 0)
    }
  }

  private final class Counter: Sendable { let bytes = Mutex(0) }

  @Test func sessionsMayMakeFormsAtOnce() async throws {
    for length in 1...4 {
      let file = try ModelFile(try bytes(nameLength: length)), registry = ModelRegistry(), path = file.path
      let expected = try results(try session(try Model(path: path), level: 2), rows: 9)
      let x = try input(9)
      try await withThrowingTaskGroup(of: [[UInt8]].self) { group in
        for _ in 0..<8 {
          group.addTask {
            let session = try Session(try Model(path: path, registry: registry), runtime: try Runtime(threads: 1))
            return try session.run(["x": x]).map { Array(try $0.asTensor().bytes) }
          }
        }
        for try await found in group { #expect(found == expected) }
      }
      withExtendedLifetime(file) {}
    }
  }
}
