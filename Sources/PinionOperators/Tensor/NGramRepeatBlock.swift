import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's NGramRepeatBlock: scores without those of tokens that would end a sequence of tokens which the row holds already.
package struct NGramRepeatBlock: CPUExecutable {
  package static let schema = Schema(
    "NGramRepeatBlock", domain: "com.microsoft", since: 1, inputs: ["input_ids: int64", "scores: float32"], outputs: ["scores_out: float32"])
  let length: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) { length = try attributes.int("ngram_size", in: 1...(1 << 40)) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let ids = try context.type(0, rank: 2), scores = try context.type(1, rank: 2)
    guard ids.dims[0] == scores.dims[0] else { throw .invalidShape("input_ids are \(ids) and scores \(scores), expected as many rows") }
    return [scores]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(.float32, [context[1].extent(0) ?? context[0].extent(0), context[1].extent(1)])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let tokens = try context.type(0).dims[1], scores = try context.type(1), words = scores.dims[1], length = length
    return .parallel(tasks: scores.dims[0]) { (frame, row) throws(PinionError) in
      let ids = frame.input(0, as: Int64.self) + row &* tokens, target = frame.output(0, as: Float.self) + row &* words
      let source = frame.input(1, as: Float.self) + row &* words
      if source != UnsafePointer(target) {
        try inPieces(of: 1 << 18, words, frame.control) { (target + $0.lowerBound).update(from: source + $0.lowerBound, count: $0.count) }
      }
      guard tokens >= length else { return }
      var poll = Poll(frame.control)
      let end = ids + (tokens &- length &+ 1)
      for start in 0...(tokens &- length) {
        var place = 0
        while place < length &- 1, ids[start &+ place] == end[place] { place &+= 1 }
        try poll.count(place &+ 1)
        guard place == length &- 1 else { continue }
        let token = ids[start &+ place]
        guard token >= 0, token < Int64(words) else { throw .invalidValue("token \(token) is out of range for \(words) scores") }
        target[Int(token)] = -.infinity
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [1])] }
}
