import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's rotary embedding of pictures and text: each pair of a head has its angle from one of three positions, those in time, height
/// and width.
package struct MRotaryEmbedding: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "MRotaryEmbedding", domain: "com.microsoft", since: 1, inputs: ["input: T", "position_ids: int64", "cos_cache: T", "sin_cache: T"],
    outputs: ["output: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let sections: [Int]
  let takesTurns: Bool
  let isInterleaved: Bool
  let rotaryWidth: Int
  let heads: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let given = try attributes.ints("mrope_section")
    guard given.count == 3, given.allSatisfy({ (0...(1 << 40)).contains($0) }) else {
      throw .invalidModel("attribute 'mrope_section' is \(given), expected three numbers of pairs")
    }
    sections = given.map { Int($0) }
    takesTurns = try attributes.int("mrope_layout", default: 0, in: 0...1) == 1
    isInterleaved = try attributes.bool("interleaved")
    rotaryWidth = try attributes.int("rotary_embedding_dim", default: 0, in: 0...Int64(1 << 46))
    heads = try attributes.int("num_heads", default: 0, in: 0...Int64(1 << 46))
    guard try !attributes.bool("is_packed_batching") else { throw .unsupported("MRotaryEmbedding with packed batches") }
    let scale = try attributes.float("scale", default: 1)
    guard scale == 1 else { throw .unsupported("MRotaryEmbedding with scale \(scale)") }
  }

  private struct Form: Sendable {
    let rotation: Rotation
    let batch: Int
    let heads: Int
    let rows: Int
    let isByHead: Bool
    let tableRows: Int
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let x = try context.type(0, rank: 3...4), cosines = try context.type(2, rank: 2), sines = try context.type(3, rank: 2)
    guard cosines.dims == sines.dims else { throw .invalidShape("the tables \(cosines) and \(sines) differ in shape") }
    let pairs = cosines.dims[1], isByHead = x.rank == 4
    let heads = isByHead ? x.dims[1] : self.heads > 0 ? self.heads : pairs == 0 ? 0 : x.dims[2] / (2 &* pairs)
    guard isByHead || (heads > 0 && x.dims[2] % heads == 0) else { throw .invalidShape("\(x) does not consist of \(heads) heads") }
    let size = isByHead ? x.dims[3] : x.dims[2] / heads
    let turned = rotaryWidth == 0 ? size : rotaryWidth
    guard turned <= size, turned % 2 == 0, pairs == turned / 2 else {
      throw .invalidShape("tables of \(pairs) columns do not turn \(turned) of \(size) elements")
    }
    guard sections.reduce(0, &+) == pairs else {
      throw .invalidModel("attribute 'mrope_section' is \(sections), expected numbers that add up to \(pairs)")
    }
    let rows = x.dims[isByHead ? 2 : 1]
    try context.check(1, dims: [3, x.dims[0], rows])
    return Form(
      rotation: Rotation(pairs: pairs, size: size, isInterleaved: isInterleaved), batch: x.dims[0], heads: heads, rows: rows, isByHead: isByHead,
      tableRows: cosines.dims[0])
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try form(context)
    return [try context.type(0)]
  }

  /// Which of the three positions a pair has.
  private func stream(_ pair: Int) -> Int {
    if takesTurns {
      let place = pair % 3
      return place > 0 && pair < 3 &* sections[place] ? place : 0
    }
    return pair < sections[0] ? 0 : pair < sections[0] &+ sections[1] ? 1 : 2
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try form(context.inference), rotation = form.rotation, pairs = rotation.pairs, size = rotation.size, heads = form.heads
    let streams: KernelTable<Int> = try context.table(count: pairs)
    try inPieces(of: Poll.interval, pairs, context.control) { range in
      for pair in range { streams[pair] = stream(pair) }
    }
    let source: HeadTensor =
      form.isByHead
      ? .byHead(.input(0), heads: heads, rows: form.rows, size: size) : .byRow(.input(0), heads: heads, rows: form.rows, size: size)
    var result = source
    result.place = .output(0)
    let target = result
    // Without elements there may be any number of heads.
    let units = size == 0 ? 0 : form.batch &* form.rows
    return .ranges(
      units, grain: max(1, 8192 / max(1, heads &* size)), laneScratchBytes: try pairs.multiplied(by: 8)
    ) { (frame, range) throws(PinionError) in
      let cosines = frame.laneScratch.assumingMemoryBound(to: Float.self), sines = cosines + pairs
      for unit in range {
        for pair in 0..<pairs {
          let position = frame.input(1, as: Int64.self)[streams[pair] &* form.batch &* form.rows &+ unit]
          guard position >= 0, position < Int64(form.tableRows) else {
            throw .invalidValue("position \(position) is out of range for tables of \(form.tableRows) rows")
          }
          cosines[pair] = frame.input(2, as: Float.self)[Int(position) &* pairs &+ pair]
          sines[pair] = frame.input(3, as: Float.self)[Int(position) &* pairs &+ pair]
        }
        for head in 0..<heads {
          rotation.apply(
            source.pointer(frame, Float.self, batch: unit / form.rows, head: head, row: unit % form.rows),
            target.pointer(frame, Float.self, batch: unit / form.rows, head: head, row: unit % form.rows), cosines: cosines, sines: sines)
        }
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
