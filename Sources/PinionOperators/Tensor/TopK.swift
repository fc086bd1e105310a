import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The K largest (or smallest) elements along an axis in order, and their indices; of equal ones the first come first.
package struct TopK: CPUExecutable {
  package static let schema = Schema(
    "TopK", since: 24, inputs: ["X: T", "K: indices"], outputs: ["Values: T", "Indices: int64"], types: ["T": .numbers])
  let axis: Int64
  let takesLargest: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    takesLargest = try attributes.bool("largest", default: true)
    // Without the attribute any order is right, so that this one is as well.
    attributes.ignore("sorted")
  }

  /// Before opset 10 the number was an attribute.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 10 { try node.moveInts("k", toInput: 1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1)
    let axis = try type.shape.normalized(axis: axis)
    let count = try context.integer(1)
    guard count >= 0, count <= type.dims[axis] else {
      throw .invalidValue("K is \(count), expected 0 to the extent \(type.dims[axis]) of axis \(axis)")
    }
    var dims = type.dims
    dims[axis] = Int(count)
    let shape = try Shape(dims)
    return [TensorType(type.element, shape), TensorType(.int64, shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    let dims = data.dims(with: context[1].extents.flatMap { $0.count == 1 ? $0[0] : nil }, at: data.position(axis))
    return [Fact(data.element, dims), Fact(.int64, dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: try kernel(Float.self, context)
    case .float64: try kernel(Double.self, context)
    case .float16: try kernel(Float16.self, context)
    case .bfloat16: try kernel(BFloat16.self, context)
    case .int8: try kernel(Int8.self, context)
    case .int16: try kernel(Int16.self, context)
    case .int32: try kernel(Int32.self, context)
    case .int64: try kernel(Int64.self, context)
    case .uint8: try kernel(UInt8.self, context)
    case .uint16: try kernel(UInt16.self, context)
    case .uint32: try kernel(UInt32.self, context)
    case .uint64: try kernel(UInt64.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: SortableElement>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let axis = try type.shape.normalized(axis: axis)
    let extent = type.dims[axis], stride = type.shape.count(axis &+ 1..<type.rank), count = output.dims[axis]
    guard output.count > 0 else { return Kernel(stages: []) }
    let flip: Int64 = takesLargest ? 0 : -1
    let wantsIndices = context.wants(output: 1)
    if count == 1, let kernel = bestKernel(T.self, AxisLines(type.shape, axis: axis), wantsIndices) { return kernel }
    let lines = output.count / count
    // Many of a long line are sorted at once, since a heap of them leaves the caches.
    if extent >= 1 << 12, count > extent / 16 { return try sortingKernel(T.self, lines, extent, stride, count, flip, wantsIndices) }
    return .ranges(
      lines, grain: max((1 << 13) / extent, 1), laneScratchBytes: count &* MemoryLayout<Candidate>.stride
    ) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      var best = CandidateHeap(frame.laneScratch.bindMemory(to: Candidate.self, capacity: count), capacity: count)
      for line in range {
        let outer = line / stride, inner = line % stride
        let base: Int = outer &* extent &* stride &+ inner
        let source: UnsafePointer<T> = frame.input(0, as: T.self) + base
        best.count = 0
        try inPieces(of: TopK.piece, stride == 1 && T.self == Float.self ? count : extent, frame.control) { range in
          for index in range {
            let key: Int64 = source[index &* stride].sortKey
            best.offer(Candidate(key: key ^ flip, index: index))
          }
        }
        if stride == 1, T.self == Float.self {
          try best.offerRest(UnsafeRawPointer(source).assumingMemoryBound(to: Float.self), extent, flip, &poll)
        }
        try best.sort(&poll)
        let start: Int = outer &* count &* stride &+ inner
        let values = frame.output(0, as: T.self) + start
        try inPieces(of: TopK.piece, count, frame.control) { range in
          for rank in range { values[rank &* stride] = source[best.entries[rank].index &* stride] }
        }
        guard wantsIndices else { continue }
        let indices = frame.output(1, as: Int64.self) + start
        try inPieces(of: TopK.piece, count, frame.control) { range in
          for rank in range { indices[rank &* stride] = Int64(best.entries[rank].index) }
        }
      }
    }
  }
}

extension TopK {
  /// Elements between two looks at the limits, each of which may have to be fetched from memory.
  private static let piece = 1 << 14

  /// The best element of each line, as ArgMax has it. Among the smallest, NaN comes last, where ArgMin takes it first.
  private func bestKernel<T: SortableElement>(_: T.Type, _ lines: AxisLines, _ wantsIndices: Bool) -> Kernel? {
    guard let element = T.elementType.kernelType, takesLargest || !T.elementType.isFloatingPoint,
      let function = takesLargest ? pk_arg_max_kernel(pk_isa_best(), element) : pk_arg_min_kernel(pk_isa_best(), element)
    else { return nil }
    let extent = lines.extent, inner = lines.inner
    // Whole lines, or columns of one block of lines.
    let columns = min(inner, 512), blocks = (inner &- 1) / columns &+ 1
    let grain = min(max(1, 32_768 / (extent &* columns)), 512)
    return .ranges(lines.outer &* blocks, grain: grain, laneScratchBytes: 512 * 8) { frame, range in
      let scratch = frame.laneScratch.bindMemory(to: Int64.self, capacity: 512)
      let x = frame.input(0, as: T.self), values = frame.output(0, as: T.self)
      if inner == 1 {
        let places = wantsIndices ? frame.output(1, as: Int64.self) + range.lowerBound : scratch
        function(x + range.lowerBound &* extent, places, range.count, extent, 1, 1, false)
        for line in range { values[line] = x[line &* extent &+ Int(places[line &- range.lowerBound])] }
        return
      }
      for task in range {
        let outer = task / blocks, first = task % blocks &* columns, width = min(columns, inner &- first)
        let target = outer &* inner &+ first, source = x + (outer &* extent &* inner &+ first)
        let places = wantsIndices ? frame.output(1, as: Int64.self) + target : scratch
        function(source, places, 1, extent, width, inner, false)
        for column in 0..<width { values[target &+ column] = source[Int(places[column]) &* inner &+ column] }
      }
    }
  }

  private func sortingKernel<T: SortableElement>(
    _: T.Type, _ lines: Int, _ extent: Int, _ stride: Int, _ count: Int, _ flip: Int64, _ wantsIndices: Bool
  ) throws(PinionError) -> Kernel {
    let bytes = try extent.multiplied(by: 2 &* MemoryLayout<Candidate>.stride).adding(radixTableCount &* MemoryLayout<Int>.stride)
    return .parallel(tasks: lines, laneScratchBytes: bytes) { (frame, line) throws(PinionError) in
      let entries = frame.laneScratch.bindMemory(to: Candidate.self, capacity: 2 &* extent)
      let outer = line / stride, inner = line % stride
      let source = frame.input(0, as: T.self) + (outer &* extent &* stride &+ inner)
      // The inverted keys ascend where the result descends.
      try inPieces(of: TopK.piece, extent, frame.control) { range in
        for index in range { entries[index] = Candidate(key: ~(source[index &* stride].sortKey ^ flip), index: index) }
      }
      let tables = UnsafeMutableRawPointer(entries + 2 &* extent).bindMemory(to: Int.self, capacity: radixTableCount)
      let sorted = try radixSort(entries, entries + extent, tables, count: extent, frame.control)
      let start = outer &* count &* stride &+ inner
      let values = frame.output(0, as: T.self) + start
      try inPieces(of: TopK.piece, count, frame.control) { range in
        for rank in range { values[rank &* stride] = source[sorted[rank].index &* stride] }
      }
      guard wantsIndices else { return }
      let indices = frame.output(1, as: Int64.self) + start
      try inPieces(of: TopK.piece, count, frame.control) { range in
        for rank in range { indices[rank &* stride] = Int64(sorted[rank].index) }
      }
    }
  }
}

/// An element in the running.
struct Candidate: BitwiseCopyable {
  let key: Int64
  let index: Int

  /// Whether this one comes after `other` in the result.
  @inline(__always)
  func isBehind(_ other: Candidate) -> Bool { key < other.key || (key == other.key && index > other.index) }
}

/// The best candidates so far, as a heap whose root is the last of them.
struct CandidateHeap {
  let entries: UnsafeMutablePointer<Candidate>
  let capacity: Int
  var count = 0

  init(_ entries: UnsafeMutablePointer<Candidate>, capacity: Int) {
    self.entries = entries
    self.capacity = capacity
  }

  @inline(__always)
  mutating func offer(_ candidate: Candidate) {
    if count == capacity {
      if entries[0].isBehind(candidate) { sink(candidate, at: 0, count: count) }
      return
    }
    var place = count
    count &+= 1
    while place > 0 {
      let parent = (place &- 1) / 2
      guard candidate.isBehind(entries[parent]) else { break }
      entries[place] = entries[parent]
      place = parent
    }
    entries[place] = candidate
  }

  /// Offers the elements after the first `capacity` ones, most of which are passed over many at a time.
  mutating func offerRest(_ source: UnsafePointer<Float>, _ count: Int, _ flip: Int64, _ poll: inout Poll) throws(PinionError) {
    var index = capacity
    while index < count {
      let end = min(index &+ 1 << 18, count)
      try poll.count(Poll.interval)
      while true {
        index = pk_find_beyond(source, index, end, source[entries[0].index], flip == 0)
        guard index < end else { break }
        let key: Int64 = source[index].sortKey
        offer(Candidate(key: key ^ flip, index: index))
        index &+= 1
        try poll.count(16)
      }
    }
  }

  private func sink(_ candidate: Candidate, at start: Int, count: Int) {
    var place = start
    while true {
      var child = 2 &* place &+ 1
      guard child < count else { break }
      if child &+ 1 < count, entries[child &+ 1].isBehind(entries[child]) { child &+= 1 }
      guard entries[child].isBehind(candidate) else { break }
      entries[place] = entries[child]
      place = child
    }
    entries[place] = candidate
  }

  /// Brings the candidates into order, the best first.
  func sort(_ poll: inout Poll) throws(PinionError) {
    var last = count &- 1
    while last > 0 {
      try poll.count(32)
      let candidate = entries[last]
      entries[last] = entries[0]
      sink(candidate, at: 0, count: last)
      last &-= 1
    }
  }
}
