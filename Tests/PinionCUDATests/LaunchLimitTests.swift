import PinionBase
import Testing

@testable import PinionCUDA

/// What is larger than a grid's sides, or lies where vectors cannot be loaded.
@Suite struct LaunchLimitTests {
  private let address = DeviceAddress(1 << 20)

  private func operand(_ step: Int) -> AttentionOperand { AttentionOperand(address, batchStep: step, headStep: step, rowStep: step) }

  /// A grid has 65535 blocks along y and z, and 2^31 - 1 along x.
  @Test func rowsAndBatchesBeyondAGridsSides() throws {
    let many = 100_000
    let calls: [(KernelCall, Int)] = [
      (try .product(.f16, ProductSizes(m: 64 * many, n: 200, k: 8), a: address, b: address, y: address), 4 * many),
      (try .product(.f32, ProductSizes(m: 5, n: 1, k: 8, batch: many), a: address, b: address, y: address), many),
      (try .product(.f16, ProductSizes(m: 4, n: 65, k: 8, batch: many), a: address, b: address, y: address), 2 * many),
      (try .integerProduct(ProductSizes(m: 64, n: 64, k: 16, batch: many), a: address, b: address, y: address), many),
      (try .reduction(.sum, .f32, x: address, y: address, outer: many, extent: 2, inner: 257), 2 * many),
      (try .packedProduct(.f32, m: 4 * many, n: 9, k: 16, a: address, PackedWeights(bits: 4, block: 16, values: address, scales: address), y: address), 2 * many),
    ]
    for (call, blocks) in calls {
      #expect(call.shape.blocks.x == blocks && call.shape.blocks.y == 1 && call.shape.blocks.z == 1, "\(call.kernel)")
    }
  }

  @Test func largePicturesAndManyWindows() throws {
    let sizes = WindowSizes(images: 1, height: 4096, width: 4096, channels: 8, outHeight: 4096, outWidth: 4096, kernel: (3, 3), padding: (1, 1))
    for (element, kernel) in [(KernelElement.f16, "conv_f16_aligned"), (.f32, "conv_f32")] {
      let call = try KernelCall.convolution(element, sizes, outputs: 8, x: address, w: address, y: address)
      #expect(call.kernel == kernel && call.shape.blocks.x == 4096 * 4096 / 64)
    }
    let windows = AttentionSizes(batch: 70_000, heads: 3, keyHeads: 3, queries: 49, keys: 49, size: 32, valueSize: 32, scale: 1)
    #expect(try KernelCall.attention(.f16, windows, q: operand(32), k: operand(32), v: operand(32), y: operand(32)).shape.blocks.x == 210_000)
    #expect(try KernelCall.attention(.f32, windows, q: operand(32), k: operand(32), v: operand(32), y: operand(32)).shape.blocks.x == 210_000 * 49)
  }

  @Test func beyondEveryGrid() {
    #expect(throws: PinionError.self) {
      try KernelCall.product(.f16, ProductSizes(m: 1 << 20, n: 1 << 20, k: 8, batch: 64), a: address, b: address, y: address)
    }
    let sizes = AttentionSizes(batch: 1 << 20, heads: 1 << 10, keyHeads: 1, queries: 1 << 10, keys: 1, size: 8, valueSize: 8, scale: 1)
    #expect(throws: PinionError.self) { try KernelCall.attention(.f32, sizes, q: operand(8), k: operand(8), v: operand(8), y: operand(8)) }
    var far = AttentionSizes(batch: 1, heads: 1, keyHeads: 1, queries: 1, keys: 1, size: 8, valueSize: 8, scale: 1)
    for offset in [1 << 29 + 1, Int.min + 1] {
      far.offset = offset
      #expect(throws: PinionError.self) { try KernelCall.attention(.f32, far, q: operand(8), k: operand(8), v: operand(8), y: operand(8)) }
    }
  }

  /// Four elements are moved at once only where every address is a multiple of four elements.
  @Test(arguments: [KernelElement.f32, .f16, .i64, .u8])
  func addressesThatAreNoVectors(_ element: KernelElement) throws {
    var chain = ElementwiseChain(inputs: [element, element])
    let result = element == .f32 || element == .f16 ? try chain.add(.add, 0, 1) : try chain.add(.maximum, 0, 1)
    try chain.addOutput(result, as: element)
    for place in 0..<3 {
      for count in 0..<5 {
        var addresses = [address, address, address]
        addresses[place] = address.offset(by: count * element.byteCount)
        let call = try KernelCall.elementwise(chain, shapes: [[64], [64]], output: [64], x: [addresses[0], addresses[1]], y: [addresses[2]])
        #expect(call.program.text.contains("Four<") == (count % 4 == 0), "operand \(place), \(count) elements on")
      }
    }
  }
}
