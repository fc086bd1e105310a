import PinionBase
import PinionTensor

/// A string input that has to be there.
func requiredStrings(_ inputs: [Value?], _ index: Int, _ name: String) throws(PinionError) -> (Tensor, UnsafeBufferPointer<StringElement>) {
  let tensor = try required(inputs, index, name).asTensor()
  guard tensor.element == .string else { throw .invalidShape("input '\(name)' is \(tensor.type), expected strings") }
  return (tensor, try tensor.unsafeElements(as: StringElement.self))
}
