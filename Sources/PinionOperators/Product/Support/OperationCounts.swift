import PinionTensor

/// Operations of a matrix product: two for each element of the result and each of the `depth` summands.
func productOperations(depth: Int?, _ outputs: [TensorType]) -> Int { 2 &* (depth ?? 1) &* (outputs.first?.count ?? 0) }

/// Operations of a convolution whose weights are [M, C / group, k…]: each result sums over the weights of its channel.
func convolutionOperations(weights: TensorType?, _ outputs: [TensorType]) -> Int {
  guard let weights, let channels = weights.dims.first, channels > 0 else { return 0 }
  return productOperations(depth: weights.count / channels, outputs)
}

/// Operations of scaled dot-product attention: two products, of which one takes each element of the queries and the other gives each element of
/// the result, over so many keys.
func attentionOperations(queries: Int, keys: Int, _ outputs: [TensorType]) -> Int { 2 &* keys &* (queries &+ (outputs.first?.count ?? 0)) }
