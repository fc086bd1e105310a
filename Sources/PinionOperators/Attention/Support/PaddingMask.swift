import PinionBackend
import PinionBase
import PinionTensor

/// What com.microsoft's attention operators take as an int32 mask of the keys: masked scores are lowered by a finite number.
struct PaddingMask: Sendable {
  let input: Int
  /// Added to the scores of masked keys.
  let filter: Float
  private let form: Form
  private let shape: AttentionShape

  private enum Form: Sendable {
    /// Keys of each batch entry, the others being masked.
    case ends
    /// Ends of all entries, then starts.
    case endsAndStarts
    /// Zero for masked keys: strides of batch and query, and the element of the first entry's first query.
    case flags(batch: Int, query: Int, start: Int)
  }

  /// - Parameter pastRows: keys from earlier runs, with which queries of a square mask are counted on.
  init(_ type: TensorType, input: Int, filter: Float, shape: AttentionShape, pastRows: Int) throws(PinionError) {
    guard type.element == .int32 else { throw .invalidShape("the mask is \(type), expected int32") }
    self.input = input
    self.filter = filter
    self.shape = shape
    let batch = shape.batch, keys = shape.keys
    switch type.rank {
    case 1 where type.count == batch: form = .ends
    case 1 where type.count == 2 &* batch: form = .endsAndStarts
    case 2 where type.dims == [batch, keys]: form = .flags(batch: keys, query: 0, start: 0)
    case 3 where type.dims == [batch, shape.queries, keys]: form = .flags(batch: shape.queries &* keys, query: keys, start: 0)
    case 4 where type.dims == [batch, 1, type.dims[3], type.dims[3]] && type.dims[3] >= keys && keys >= pastRows &+ shape.queries:
      let extent = type.dims[3]
      form = .flags(batch: extent &* extent, query: extent, start: pastRows &* extent)
    default:
      throw .invalidShape("a mask \(type) does not fit \(batch) sequences of \(shape.queries) queries and \(keys) keys")
    }
  }

  private var hasRows: Bool { if case .flags(_, let query, _) = form { query > 0 } else { false } }

  /// Writes mask and `bias`, where there is one, as one sum into new scratch memory.
  func bias<T: RealElement>(
    _ build: inout AttentionBuild, adding bias: AttentionBias?, _ type: T.Type
  ) throws(PinionError) -> AttentionBias {
    let rows = hasRows || (bias?.values.row ?? 0) > 0 ? shape.queries : 1
    let heads = (bias?.values.head ?? 0) > 0 ? shape.heads : 1
    let keys = shape.keys, form = form, filter = T(filter), input = input, batch = shape.batch
    let count = try [batch, heads, rows, keys].checkedProduct()
    let place = try build.reserve(bytes: try count.multiplied(by: MemoryLayout<T>.stride))
    build.stages.append(
      .ranges(batch &* heads &* rows, grain: max(1, 16_384 / max(keys, 1))) { frame, range in
        for unit in range {
          let row = unit % rows, head = unit / rows % heads, entry = unit / rows / heads
          let target = (frame.scratch + place).assumingMemoryBound(to: T.self) + unit &* keys
          if let bias {
            target.update(from: bias.values.pointer(frame, T.self, batch: entry, head: head, row: row), count: keys)
          } else {
            target.update(repeating: 0, count: keys)
          }
          let mask = frame.input(input, as: Int32.self)
          switch form {
          case .ends:
            let end = Int(mask[entry])
            for key in max(0, min(end, keys))..<keys { target[key] += filter }
          case .endsAndStarts:
            let end = Int(mask[entry]), start = Int(mask[batch &+ entry])
            for key in 0..<keys where key < start || key >= end { target[key] += filter }
          case .flags(let batchStride, let query, let start):
            let flags = mask + (entry &* batchStride &+ row &* query &+ start)
            for key in 0..<keys where flags[key] == 0 { target[key] += filter }
          }
        }
      })
    let strides = HeadTensor.byHead(.scratch(place), heads: heads, rows: rows, size: keys)
    return AttentionBias(
      values: HeadTensor(
        place: .scratch(place), batch: strides.batch, head: heads > 1 ? strides.head : 0, row: rows > 1 ? strides.row : 0), keys: keys)
  }
}
