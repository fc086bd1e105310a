import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Turns the pairs of a vector by the angles of its position.
struct Rotation: Sendable {
  /// The first `pairs * 2` elements are turned, the others copied.
  let pairs: Int
  let size: Int
  /// A pair is two neighbours; otherwise its second element lies `pairs` behind its first.
  let isInterleaved: Bool

  /// y may be x.
  @inline(__always)
  func apply<T: RealElement>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, cosines: UnsafePointer<T>, sines: UnsafePointer<T>
  ) {
    if isInterleaved {
      for pair in 0..<pairs {
        let a = x[2 &* pair], b = x[2 &* pair &+ 1]
        y[2 &* pair] = cosines[pair] * a - sines[pair] * b
        y[2 &* pair &+ 1] = sines[pair] * a + cosines[pair] * b
      }
    } else {
      for pair in 0..<pairs {
        let a = x[pair], b = x[pairs &+ pair]
        y[pair] = cosines[pair] * a - sines[pair] * b
        y[pairs &+ pair] = sines[pair] * a + cosines[pair] * b
      }
    }
    for index in 2 &* pairs..<size { y[index] = x[index] }
  }
}

/// All vectors of a tensor, each turned by the angles in its row of two tables.
struct RotaryRows: Sendable {
  let rotation: Rotation
  let batch: Int
  let heads: Int
  let rows: Int
  let isByHead: Bool
  /// The inputs with the tables.
  let cosines: Int
  let sines: Int
  let tableRows: Int
  let positions: Positions

  /// Which row of the tables belongs to a position of a batch entry.
  enum Positions: Sendable {
    /// The row of the same number.
    case none
    /// An int64 input [batch, rows] names it.
    case each(input: Int)
    /// An int64 input of one element names that of position 0.
    case from(input: Int)
  }

  /// - Parameters:
  ///   - heads: how many heads share a row of an input of rank 3; nil where the tables' width tells.
  ///   - rotaryWidth: how many elements of a head are turned; 0 for all.
  init(
    _ context: InferenceContext, cosines: Int, sines: Int, heads: Int?, rotaryWidth: Int, isInterleaved: Bool, positions: Positions
  ) throws(PinionError) {
    let x = try context.type(0, rank: 3...4), cosine = try context.type(cosines), sine = try context.type(sines)
    guard cosine.dims == sine.dims, let width = cosine.dims.last else {
      throw .invalidShape("the tables \(cosine) and \(sine) differ in shape")
    }
    isByHead = x.rank == 4
    let size: Int
    if isByHead {
      self.heads = x.dims[1]
      size = x.dims[3]
      rows = x.dims[2]
    } else {
      rows = x.dims[1]
      let count = heads ?? (width == 0 ? 0 : x.dims[2] / (2 &* width))
      guard count > 0, x.dims[2] % count == 0 else { throw .invalidShape("\(x) does not consist of \(count) heads") }
      self.heads = count
      size = x.dims[2] / count
    }
    batch = x.dims[0]
    let turned = rotaryWidth == 0 ? size : rotaryWidth
    guard turned <= size, turned % 2 == 0, width == turned / 2 else {
      throw .invalidShape("tables of \(width) columns do not turn \(turned) of \(size) elements")
    }
    rotation = Rotation(pairs: turned / 2, size: size, isInterleaved: isInterleaved)
    self.cosines = cosines
    self.sines = sines
    self.positions = positions
    switch positions {
    case .none:
      guard cosine.dims == [batch, rows, width] else {
        throw .invalidShape("the tables are \(cosine), expected shape [\(batch),\(rows),\(width)]")
      }
      tableRows = batch &* rows
    case .each(let input):
      let ids = try context.type(input)
      guard cosine.rank == 2, ids.element == .int64, ids.dims == [batch, rows] else {
        throw .invalidShape("position_ids are \(ids) and the tables \(cosine), expected int64[\(batch),\(rows)] and rank 2")
      }
      tableRows = cosine.dims[0]
    case .from(let input):
      let ids = try context.type(input)
      guard cosine.rank == 2, ids.element == .int64, ids.count == 1 else {
        throw .invalidShape("position_ids are \(ids) and the tables \(cosine), expected int64[1] and rank 2")
      }
      tableRows = cosine.dims[0]
    }
  }

  func kernel<T: RealElement>(_ type: T.Type) -> Kernel {
    let size = rotation.size, heads = heads
    let source: HeadTensor =
      isByHead
      ? .byHead(.input(0), heads: heads, rows: rows, size: size) : .byRow(.input(0), heads: heads, rows: rows, size: size)
    var target = source
    target.place = .output(0)
    let all = self, result = target
    // Without elements there may be any number of heads.
    let units = size == 0 ? 0 : batch &* rows
    return .ranges(units, grain: max(1, 8192 / max(1, heads &* size))) { (frame, range) throws(PinionError) in
      for unit in range {
        let entry = unit / all.rows, row = unit % all.rows
        let position: Int
        switch all.positions {
        case .none: position = unit
        case .each(let input): position = try all.tableRow(frame.input(input, as: Int64.self)[unit])
        case .from(let input): position = try all.tableRow(try frame.input(input, as: Int64.self)[0].adding(Int64(row)))
        }
        let cosines = frame.input(all.cosines, as: T.self) + position &* all.rotation.pairs
        let sines = frame.input(all.sines, as: T.self) + position &* all.rotation.pairs
        for head in 0..<heads {
          all.rotation.apply(
            source.pointer(frame, T.self, batch: entry, head: head, row: row),
            result.pointer(frame, T.self, batch: entry, head: head, row: row), cosines: cosines, sines: sines)
        }
      }
    }
  }

  private func tableRow(_ position: Int64) throws(PinionError) -> Int {
    guard position >= 0, position < Int64(tableRows) else {
      throw .invalidValue("position \(position) is out of range for tables of \(tableRows) rows")
    }
    return Int(position)
  }
}
