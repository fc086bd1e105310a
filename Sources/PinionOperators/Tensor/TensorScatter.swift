import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A cache with the update written at each sample's position along the sequence axis.
package struct TensorScatter: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "TensorScatter", since: 24, inputs: ["past_cache: T", "update: T", "write_indices?: indices"], outputs: ["present_cache: T"], types: ["T": .all])
  enum Mode: String, CaseIterable { case linear, circular }
  let axis: Int64
  let mode: Mode

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -2)
    mode = try attributes.choice("mode", default: .linear)
  }

  private func axis(_ context: InferenceContext) throws(PinionError) -> Int {
    let cache = try context.type(0, rankAtLeast: 2), update = try context.type(1, rank: cache.rank)
    let axis = try cache.shape.normalized(axis: axis)
    guard axis > 0 else { throw .invalidShape("axis 0 is the batch, not the sequence") }
    for other in cache.dims.indices where other != axis && cache.dims[other] != update.dims[other] {
      throw .invalidShape("update is \(update), expected the extents of \(cache) except at axis \(axis)")
    }
    guard update.dims[axis] <= cache.dims[axis] else { throw .invalidShape("update is \(update), longer than the cache \(cache)") }
    if context.has(2) {
      let positions = try context.type(2)
      guard positions.dims == [cache.dims[0]] else {
        throw .invalidShape("write_indices are \(positions), expected one for each of \(cache.dims[0]) samples")
      }
    }
    return axis
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try axis(context)
    return [try context.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    context.optionalType(2)?.element == .int32 ? try kernel(Int32.self, context) : try kernel(Int64.self, context)
  }

  private func kernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let cache = try context.type(0), update = try context.type(1)
    let axis = try axis(context.inference)
    let extent = cache.dims[axis], length = update.dims[axis], perSample = cache.shape.count(1..<axis)
    let run = cache.shape.count(axis &+ 1..<cache.rank) &* cache.element.byteWidth
    let hasPositions = context.has(2), isCircular = mode == .circular
    guard update.count > 0 else { return Kernel(stages: [try unlessReusedCopy(context)]) }
    let write = Kernel.Stage.ranges(
      cache.shape.count(0..<axis), grain: max((1 << 17) / (run &* length), 1)
    ) { (frame, range) throws(PinionError) in
      for outer in range {
        let given = hasPositions ? Int(truncatingIfNeeded: frame.input(2, as: Index.self)[outer / perSample]) : 0
        let start = isCircular ? (given % extent &+ extent) % extent : given
        guard start >= 0, isCircular || start <= extent &- length else { throw indexError(given, extent) }
        let head = min(length, extent &- start)
        let from = frame.rawInput(1) + outer &* length &* run
        let to = frame.rawOutput(0) + outer &* extent &* run
        (to + start &* run).copyMemory(from: from, byteCount: head &* run)
        to.copyMemory(from: from + head &* run, byteCount: (length &- head) &* run)
      }
    }
    return Kernel(stages: [try unlessReusedCopy(context), write])
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
