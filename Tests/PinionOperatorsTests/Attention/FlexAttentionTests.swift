import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct FlexAttentionTests {
  @Test func withoutModifiers() throws {
    let y = try evaluate(
      "FlexAttention", domain: "ai.onnx.preview",
      [
        try tensor([0.41, -0.99, -0.66, -1, -0.89, 0.2, -0.78, 0.36] as [Float], [1, 2, 2, 2]), try tensor([0.34, 2.03, -1.39, 0.89,
          -0.09, -0.01] as [Float], [1, 1, 3, 2]),
        try tensor([-1.45, -0.46, 0.74, -0.08, 0.08, -0.29] as [Float], [1, 1, 3, 2]),
      ])
    try expect(y, near: [-0.02655704, -0.2713377, 0.2393447, -0.2109913, 0.1107327, -0.209981, 0.01292518, -0.2256382], [1, 2, 2, 2])
  }
}
