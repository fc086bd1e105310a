import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Triangular weights, [dft_length / 2 + 1, num_mel_bins], that gather a spectrum into bands of equal width in mels.
package struct MelWeightMatrix: EagerExecutable {
  package static let schema = Schema(
    "MelWeightMatrix", since: 17,
    inputs: ["num_mel_bins: indices", "dft_length: indices", "sample_rate: indices", "lower_edge_hertz: floats", "upper_edge_hertz: floats"],
    outputs: ["output: numbers"])
  let element: ElementType

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let bins = context.symbols.extent(context.symbols.quotient(context[1].singleExtent, by: 2), plus: 1)
    return [Fact(element, [bins, context[0].extents.flatMap { $0.count == 1 ? $0[0] : nil }])]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    func number(_ index: Int) throws(PinionError) -> Double {
      let name = Self.schema.inputName(index)
      guard index < inputs.count, let value = inputs[index] else { throw .invalidModel("input '\(name)' is missing") }
      return try value.asTensor().scalar(name)
    }
    func size(_ index: Int, below limit: Double = 0x1p31) throws(PinionError) -> Int {
      let value = try number(index)
      guard value >= 0, value < limit else { throw .invalidValue("input '\(Self.schema.inputName(index))' is \(value)") }
      return Int(saturating: value)
    }
    let bands = try size(0, below: 0x1p20), length = try size(1), rate = try size(2)
    guard rate > 0 else { throw .invalidValue("the sample rate is 0") }
    let bins = length / 2 + 1
    let edges = try bandEdges(bands, length: length, rate: rate, low: try number(3), high: try number(4), context)

    let staging = try context.allocate(.float64, [bins, bands])
    let weights = try staging.mutableElements(as: Double.self)
    var poll = Poll(context.control)
    try inPieces(of: 1 << 16, staging.count, context.control) { range in for index in range { weights[index] = 0 } }
    for band in 0..<bands {
      let left = edges[band], center = edges[band + 1], right = edges[band + 2]
      if left == center, center >= 0, center < bins { weights[center &* bands &+ band] = 1 }
      for bin in max(left, 0)..<max(min(right, bins), left, 0) {
        try poll.count(4)
        if bin < center {
          weights[bin &* bands &+ band] = Double(bin - left) / Double(center - left)
        } else if right > center {
          weights[bin &* bands &+ band] = Double(right - bin) / Double(right - center)
        }
      }
      if right == center, left < center, center < bins { weights[center &* bands &+ band] = 1 }
    }
    let output = try context.allocate(element, [bins, bands])
    let convert = try ElementConversion(from: .float64, to: element)
    try inPieces(of: 1 << 14, staging.count, context.control) { range in
      convert(staging.data + range.lowerBound &* 8, output.data + range.lowerBound &* element.byteWidth, range.count)
    }
    return [.tensor(output)]
  }

  /// The bins at which the bands' triangles start, peak and end, each band's two further than the one's before.
  private func bandEdges(
    _ bands: Int, length: Int, rate: Int, low: Double, high: Double, _ context: EagerContext
  ) throws(PinionError) -> RunTable<Int> {
    func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }
    let first = mel(low), last = mel(high)
    let step = (last - first) / Double(bands + 2)
    var edges: RunTable<Int> = try context.table(capacity: bands + 2)
    var poll = Poll(context.control)
    for index in 0..<(bands + 2) {
      try poll.count(16)
      let hertz = 700 * (pow(10, (first + step * Double(index)) / 2595) - 1)
      let bin = (Double(length + 1) * hertz / Double(rate)).rounded(.down)
      guard bin.isFinite, bin.magnitude < 0x1p40 else { throw .invalidValue("edges of \(low) and \(high) hertz") }
      try edges.append(Int(saturating: bin))
    }
    return edges
  }
}
