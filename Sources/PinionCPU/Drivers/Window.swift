/// A window that slides over the spatial axes of a tensor: one number for each axis.
package struct Window: Sendable {
  /// Above every number in a window, so that sums and products of an extent and a stride stay far from overflow.
  package static let limit = 1 << 30

  package let input: [Int]
  package var kernel: [Int]
  package var stride: [Int]
  package var dilation: [Int]
  /// Elements from the first to the last that the window covers, both included.
  package var reach: [Int]
  package var padBefore: [Int]
  package var padAfter: [Int]
  package var output: [Int]

  /// A window of one element.
  package init(input: [Int]) {
    let ones = [Int](repeating: 1, count: input.count)
    self.input = input
    kernel = ones
    stride = ones
    dilation = ones
    reach = ones
    padBefore = ones.map { _ in 0 }
    padAfter = padBefore
    output = input
  }

  package var rank: Int { input.count }
  package var outputCount: Int { output.reduce(1, &*) }
  package var inputCount: Int { input.reduce(1, &*) }
  package var kernelCount: Int { kernel.reduce(1, &*) }
}
