import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// For each sample and class the boxes in the order of their scores, without those that overlap a better one too much.
public struct NonMaxSuppression: EagerExecutable {
  public static let schema = Schema(
    "NonMaxSuppression", since: 11,
    inputs: ["boxes: float32", "scores: float32", "max_output_boxes_per_class?: indices", "iou_threshold?: float32", "score_threshold?: float32"],
    outputs: ["selected_indices: int64"])
  let givesCenter: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
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

  /// Boxes that stay, eight side by side; those that fill up the last eight have no area and overlap nothing.
  private struct KeptBoxes {
    private var tops: [SIMD8<Float>] = [], lefts: [SIMD8<Float>] = [], bottoms: [SIMD8<Float>] = [], rights: [SIMD8<Float>] = []
    private var areas: [SIMD8<Float>] = []
    private(set) var count = 0

    mutating func append(_ box: Box) {
      let lane = count % 8
      if lane == 0 {
        tops.append(.zero)
        lefts.append(.zero)
        bottoms.append(.zero)
        rights.append(.zero)
        areas.append(.zero)
      }
      let last = tops.count &- 1
      tops[last][lane] = box.top
      lefts[last][lane] = box.left
      bottoms[last][lane] = box.bottom
      rights[last][lane] = box.right
      areas[last][lane] = box.area
      count &+= 1
    }

    mutating func removeAll() {
      tops.removeAll(keepingCapacity: true)
      lefts.removeAll(keepingCapacity: true)
      bottoms.removeAll(keepingCapacity: true)
      rights.removeAll(keepingCapacity: true)
      areas.removeAll(keepingCapacity: true)
      count = 0
    }

    /// Whether intersection over union with any is above the threshold.
    func overlap(_ box: Box, above threshold: Float) -> Bool {
      guard box.area > 0 else { return false }
      let top = SIMD8(repeating: box.top), left = SIMD8(repeating: box.left)
      let bottom = SIMD8(repeating: box.bottom), right = SIMD8(repeating: box.right)
      for index in tops.indices {
        // Comparisons that choose as min and max do, so that NaN goes the same way.
        let low = tops[index].replacing(with: top, where: top .>= tops[index])
        let high = bottoms[index].replacing(with: bottom, where: bottom .< bottoms[index])
        let near = lefts[index].replacing(with: left, where: left .>= lefts[index])
        let far = rights[index].replacing(with: right, where: right .< rights[index])
        let height = high - low, width = far - near
        let isMeeting = (height .> 0) .& (width .> 0) .& (areas[index] .> 0)
        guard any(isMeeting) else { continue }
        let intersection = height * width
        let union = areas[index] + box.area - intersection
        if any(isMeeting .& (union .> 0) .& (intersection / union .> threshold)) { return true }
      }
      return false
    }
  }

  /// Numbers that come out in ascending order, one by one: a heap, since often few of them are wanted.
  private struct AscendingNumbers {
    private var heap: [UInt64]

    init(_ numbers: [UInt64]) {
      heap = numbers
      var start = heap.count / 2
      while start > 0 {
        start &-= 1
        sink(heap[start], at: start)
      }
    }

    mutating func next() -> UInt64? {
      guard let least = heap.first, let last = heap.popLast() else { return nil }
      if !heap.isEmpty { sink(last, at: 0) }
      return least
    }

    private mutating func sink(_ number: UInt64, at start: Int) {
      let count = heap.count
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

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [nil, 3])] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
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

    var selected: [Int64] = []
    var candidates: [UInt64] = []
    var kept = KeptBoxes()
    var compared = 0
    for sample in 0..<boxes.shape[0] where limit > 0 {
      for category in 0..<classes {
        try context.control.check()
        let line = firstScore + (sample &* classes &+ category) &* count
        candidates.removeAll(keepingCapacity: true)
        for box in 0..<count where line[box] > threshold ?? -.infinity || (threshold == nil && !line[box].isNaN) {
          // Ascending order of these numbers is descending order of scores, then ascending order of boxes.
          let rank = UInt32(bitPattern: Int32(truncatingIfNeeded: ~line[box].sortKey)) ^ (1 << 31)
          candidates.append(UInt64(rank) << 32 | UInt64(UInt32(truncatingIfNeeded: box)))
        }
        kept.removeAll()
        var best = AscendingNumbers(candidates)
        while let candidate = best.next() {
          compared &+= kept.count &+ 16
          if compared > 1 << 20 {
            compared = 0
            try context.control.check()
          }
          let index = Int(candidate & 0xffff_ffff)
          let box = Box(firstNumber + (sample &* count &+ index) &* 4, givesCenter: givesCenter)
          guard !kept.overlap(box, above: overlap) else { continue }
          kept.append(box)
          selected.append(Int64(sample))
          selected.append(Int64(category))
          selected.append(Int64(index))
          if kept.count == limit { break }
        }
      }
    }
    let output = try context.allocate(.int64, [selected.count / 3, 3])
    let target = try output.mutableElements(as: Int64.self)
    for (index, value) in selected.enumerated() { target[index] = value }
    return [.tensor(output)]
  }
}
