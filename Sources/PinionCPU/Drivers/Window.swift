/// A window that slides over the spatial axes of a tensor: one number for each axis.
public struct Window: Sendable {
  /// Above every number in a window, so that sums and products of an extent and a stride stay far from overflow.
  public static let limit = 1 << 30

  public let input: [Int]
  public var kernel: [Int]
  public var stride: [Int]
  public var dilation: [Int]
  /// Elements from the first to the last that the window covers, both included.
  public var reach: [Int]
  public var padBefore: [Int]
  public var padAfter: [Int]
  public var output: [Int]

  /// A window of one element.
  public init(input: [Int]) {
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

  public var rank: Int { input.count }
  public var outputCount: Int { output.reduce(1, &*) }
  public var inputCount: Int { input.reduce(1, &*) }
  public var kernelCount: Int { kernel.reduce(1, &*) }
}
