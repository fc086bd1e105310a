import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// For each sample and class the boxes in the order of their scores, without those that overlap a better one too much.
package struct NonMaxSuppression: EagerExecutable {
  package static let schema = Schema(
    "NonMaxSuppression", since: 11,
    inputs: ["boxes: float32", "scores: float32", "max_output_boxes_per_class?: indices", "iou_threshold?: float32", "score_threshold?: float32"],
    outputs: ["selected_indices: int64"])
  let givesCenter: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    givesCenter = try attributes.bool("center_point_box")
  }

  private struct Box {
    let top: Float, left: Float, bottom: Float, right: Float, area: Float

    init(_ numbers: UnsafePointer<Float>, givesCenter: Bool) {
      if givesCenter {
        let halfWidth = numbers[2] / 2, halfHeight = numbers[3] / 2
        (left, right) = (numbers[0] - halfWidth, numbers[0] + halfWidth)
        (top, bottom) = (numbers[1] - halfHeight, numbers[1] + halfHeight)
      } else {
        (top, bottom) = (min(numbers[0], numbers[2]), max(numbers[0], numbers[2]))
        (left, right) = (min(numbers[1], numbers[3]), max(numbers[1], numbers[3]))
      }
      area = (bottom - top) * (right - left)
    }
  }

  /// Eight boxes that stay, side by side; those that fill up the last eight have no area and overlap nothing.
  private struct BoxLanes: BitwiseCopyable {
    var tops = SIMD8<Float>.zero, lefts = SIMD8<Float>.zero, bottoms = SIMD8<Float>.zero, rights = SIMD8<Float>.zero
    var areas = SIMD8<Float>.zero
  }

  /// Boxes that stay.
  private struct KeptBoxes: ~Copyable {
    private var lanes: RunTable<BoxLanes>
    private(set) var count = 0

    init(_ context: EagerContext) throws(PinionError) { lanes = try context.table() }

    mutating func append(_ box: Box) throws(PinionError) {
      let lane = count % 8
      if lane == 0 { try lanes.append(BoxLanes()) }
      let last = lanes.base + (lanes.count &- 1)
      last.pointee.tops[lane] = box.top
      last.pointee.lefts[lane] = box.left
      last.pointee.bottoms[lane] = box.bottom
      last.pointee.rights[lane] = box.right
      last.pointee.areas[lane] = box.area
      count &+= 1
    }

    mutating func removeAll() {
      lanes.removeAll()
      count = 0
    }

    /// Whether intersection over union with any is above the threshold.
    func overlap(_ box: Box, above threshold: Float) -> Bool {
      guard box.area > 0 else { return false }
      let top = SIMD8(repeating: box.top), left = SIMD8(repeating: box.left)
      let bottom = SIMD8(repeating: box.bottom), right = SIMD8(repeating: box.right)
      for index in 0..<lanes.count {
        let others = lanes[index]
        // Comparisons that choose as min and max do, so that NaN goes the same way.
        let low = others.tops.replacing(with: top, where: top .>= others.tops)
        let high = others.bottoms.replacing(with: bottom, where: bottom .< others.bottoms)
        let near = others.lefts.replacing(with: left, where: left .>= others.lefts)
        let far = others.rights.replacing(with: right, where: right .< others.rights)
        let height = high - low, width = far - near
        let isMeeting = (height .> 0) .& (width .> 0) .& (others.areas .> 0)
        guard any(isMeeting) else { continue }
        let intersection = height * width
        let union = others.areas + box.area - intersection
        if any(isMeeting .& (union .> 0) .& (intersection / union .> threshold)) { return true }
      }
      return false
    }
  }

  /// Numbers that come out in ascending order, one by one: a heap, since often few of them are wanted.
  private struct AscendingNumbers {
    private let heap: UnsafeMutablePointer<UInt64>
    private var count: Int

    /// - Parameter numbers: memory that the heap is made in.
    init(_ numbers: UnsafeMutableBufferPointer<UInt64>, _ poll: inout Poll) throws(PinionError) {
      guard let base = numbers.baseAddress else { throw .internal("a list has no memory") }
      heap = base
      count = numbers.count
      var start = count / 2
      while start > 0 {
        try poll.count(4)
        start &-= 1
        sink(heap[start], at: start)
      }
    }

    mutating func next() -> UInt64? {
      guard count > 0 else { return nil }
      let least = heap[0]
      count &-= 1
      if count > 0 { sink(heap[count], at: 0) }
      return least
    }

    private func sink(_ number: UInt64, at start: Int) {
      var place = start
      while true {
        var child = 2 &* place &+ 1
        guard child < count else { break }
        if child &+ 1 < count, heap[child &+ 1] < heap[child] { child &+= 1 }
        guard heap[child] < number else { break }
        heap[place] = heap[child]
        place = child
      }
      heap[place] = number
    }
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [nil, 3])] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    func operand(_ index: Int) throws(PinionError) -> Tensor? { index < inputs.count ? try inputs[index]?.asTensor() : nil }
    guard let boxes = try operand(0), let scores = try operand(1) else { throw .invalidModel("boxes or scores are missing") }
    guard boxes.shape.rank == 3, scores.shape.rank == 3, boxes.shape[2] == 4, boxes.shape[0] == scores.shape[0],
      boxes.shape[1] == scores.shape[2]
    else { throw .invalidShape("boxes are \(boxes.type), scores \(scores.type); expected [batch,boxes,4] and [batch,classes,boxes]") }
    func number(_ index: Int) throws(PinionError) -> Float? {
      guard let tensor = try operand(index) else { return nil }
      guard tensor.count == 1 else { throw .invalidShape("a threshold is \(tensor.type), expected one number") }
      return try tensor.elements(as: Float.self)[0]
    }
    let limit = min(max(try operand(2)?.wholeNumber() ?? 0, 0), Int64(boxes.shape[1]))
    let overlap = try number(3) ?? 0
    let threshold = try number(4)
    let count = boxes.shape[1], classes = scores.shape[1]
    let numbers = try boxes.unsafeElements(as: Float.self), allScores = try scores.unsafeElements(as: Float.self)
    guard let firstNumber = numbers.baseAddress, let firstScore = allScores.baseAddress else { throw .internal("a tensor has no memory") }

    var selected: RunTable<Selection> = try context.table()
    let candidates: RunTable<UInt64> = try context.table(repeating: 0, count: limit > 0 ? count : 0)
    let least = threshold ?? -.infinity, takesAll = threshold == nil
    var kept = try KeptBoxes(context)
    var poll = Poll(context.control)
    for sample in 0..<boxes.shape[0] where limit > 0 {
      for category in 0..<classes {
        try poll.count(16)
        let line = firstScore + (sample &* classes &+ category) &* count
        var chosen = 0
        try inPieces(of: 4096, count, context.control) { boxes in
          var start = boxes.lowerBound
          while start < boxes.upperBound {
            let end = min(start &+ 32, boxes.upperBound)
            // Of a detector's scores few count.
            var counting: Int32 = 0
            for box in start..<end { counting |= line[box] > least ? 1 : 0 }
            for box in start..<(takesAll || counting != 0 ? end : start) {
              let score = line[box]
              // Ascending order of these numbers is descending order of scores, then ascending order of boxes. Each is written, and stays
              // if it counts.
              let rank = UInt32(bitPattern: Int32(truncatingIfNeeded: ~score.sortKey)) ^ (1 << 31)
              candidates[chosen] = UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: box))
              chosen &+= score > least || (takesAll && !score.isNaN) ? 1 : 0
            }
            start = end
          }
        }
        kept.removeAll()
        var best = try AscendingNumbers(UnsafeMutableBufferPointer(start: candidates.base, count: chosen), &poll)
        while let candidate = best.next() {
          try poll.count(16 &+ kept.count)
          let index = Int(candidate & 0xffff_ffff)
          let box = Box(firstNumber + (sample &* count &+ index) &* 4, givesCenter: givesCenter)
          guard !kept.overlap(box, above: overlap) else { continue }
          try kept.append(box)
          try selected.append(Selection(sample: Int64(sample), category: Int64(category), box: Int64(index)))
          if kept.count == limit { break }
        }
      }
    }
    let output = try context.allocate(.int64, [selected.count, 3])
    try inPieces(of: Poll.interval, output.byteCount, context.control) { range in
      (output.data + range.lowerBound).copyMemory(from: UnsafeRawPointer(selected.base) + range.lowerBound, byteCount: range.count)
    }
    return [.tensor(output)]
  }

  /// A row of the output.
  private struct Selection: BitwiseCopyable {
    let sample: Int64, category: Int64, box: Int64
  }
}
