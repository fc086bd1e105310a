import PinionTensor

/// Operations of a matrix product: two for each element of the result and each of the `depth` summands.
func productOperations(depth: Int?, _ outputs: [TensorType]) -> Int { 2 &* (depth ?? 1) &* (outputs.first?.count ?? 0) }

/// Operations of a convolution whose weights are [M, C / group, k…]: each result sums over the weights of its channel.
func convolutionOperations(weights: TensorType?, _ outputs: [TensorType]) -> Int {
  guard let weights, let channels = weights.dims.first, channels > 0 else { return 0 }
  return productOperations(depth: weights.count / channels, outputs)
}
