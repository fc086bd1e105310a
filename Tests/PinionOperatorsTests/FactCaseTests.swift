import PinionGraph
import PinionTensor
import Testing

/// Operators whose shapes take arithmetic, over many small extents; `evaluate` checks their rules for facts.
@Suite struct FactCaseTests {
  private func data(_ dims: [Int]) throws -> Tensor { try tensor([Float](repeating: 0, count: dims.reduce(1, *)), dims) }
  private func ints(_ values: Int64...) throws -> Tensor { try Tensor(vector: values) }

  @Test func slices() throws {
    for extent in [0, 1, 4, 6] {
      for start in [0, 1, 3, -1, -4, Int64.max] {
        for end in [0, 2, 4, -1, -3, Int64.max, .min] {
          for step in [1, 2, 3, -1] {
            _ = try evaluate(
              "Slice", [try data([2, extent]), try ints(start), try ints(end), try ints(1), try ints(Int64(step))], constants: [1, 2, 3, 4])
          }
        }
      }
    }
  }

  @Test func pieces() throws {
    for extent in 1...9 {
      for count in 1...4 {
        _ = try evaluate(
          "Split", attributes: ["axis": .int(1), "num_outputs": .int(Int64(count))], [.tensor(try data([2, extent]))], outputCount: count)
      }
    }
  }

  @Test func windows() throws {
    for extent in 3...8 {
      for (kernel, stride, pad) in [(1, 1, 0), (2, 2, 0), (3, 1, 1), (3, 2, 1), (2, 3, 0)] as [(Int64, Int64, Int64)] {
        for form in [["ceil_mode": 0], ["ceil_mode": 1], ["auto_pad": 1], ["auto_pad": 2]] as [[String: Int64]] {
          var attributes: [String: AttributeValue] = ["kernel_shape": .ints([kernel]), "strides": .ints([stride])]
          if let mode = form["auto_pad"] {
            attributes["auto_pad"] = .string(mode == 1 ? "SAME_UPPER" : "VALID")
          } else {
            attributes["pads"] = .ints([pad, pad])
          }
          var pool = attributes
          pool["ceil_mode"] = form["ceil_mode"].map { .int($0) }
          _ = try evaluate("MaxPool", attributes: pool, [try data([1, 2, extent])])
          _ = try evaluate("Conv", attributes: attributes, [try data([1, 2, extent]), try data([3, 2, Int(kernel)])])
          _ = try evaluate("ConvTranspose", attributes: attributes, [try data([1, 2, extent]), try data([2, 3, Int(kernel)])])
        }
      }
    }
  }

  @Test func ranges() throws {
    for (start, limit, delta) in [(0, 6, 1), (2, 6, 2), (0, 6, 3), (1, 6, 2), (6, 2, 1), (6, 0, -2)] as [(Int64, Int64, Int64)] {
      _ = try evaluate("Range", [try Tensor(scalar: start), try Tensor(scalar: limit), try Tensor(scalar: delta)], constants: [0, 2])
    }
  }
}
