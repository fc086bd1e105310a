import PinionBase
import PinionTensor
import RunModelInputs
import Testing

@Suite struct PictureTests {
  /// 2 x 2 pixels, 8 bits, RGB: red, green / blue, white. Stored blocks, so that the bytes can be read off.
  private static let png: [UInt8] =
    [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
    + [0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0, 0xfd, 0xd4, 0x9a, 0x73]
    + [0, 0, 0, 25, 0x49, 0x44, 0x41, 0x54, 0x78, 0x01, 0x01, 14, 0, 0xf1, 0xff]
    + [0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0x1f, 0xee, 0x05, 0xfb, 0xde, 0xdd, 0xec, 0x2b]
    + [0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]

  private func tensor(
    _ dims: [Int?], _ element: ElementType = .float32, bytes: [UInt8] = PictureTests.png,
    _ change: (inout PicturePreparation) -> Void = { _ in }
  ) throws -> Tensor {
    var preparation = PicturePreparation()
    change(&preparation)
    let file = try bytes.withUnsafeBytes { try FileMapping(copying: $0, name: "test.png") }
    return try preparation.tensor(file, element: element, dims: dims)
  }

  @Test func putsChannelsWhereTheModelHasThem() throws {
    let planes = try tensor([nil, 3, nil, nil])
    #expect(planes.type.description == "float32[1,3,2,2]")
    #expect(try planes.numbers() == [1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1])
    let interleaved = try tensor([1, nil, nil, 3], .uint8)
    #expect(interleaved.type.description == "uint8[1,2,2,3]")
    #expect(try interleaved.numbers() == [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    #expect(try tensor([3, 2, 2]) { $0.order = .bgr }.numbers() == [0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1])
  }

  @Test func normalizes() throws {
    let result = try tensor([1, 3, 2, 2]) {
      $0.scale = 1
      $0.mean = [127.5, 0, 255]
      $0.std = [127.5]
    }
    #expect(try result.numbers() == [1, -1, -1, 1, 0, 2, 0, 2, -2, -2, 0, 0])
    #expect(code { _ = try tensor([1, 3, 2, 2]) { $0.std = [0] } } == .invalidArgument)
    #expect(code { _ = try tensor([1, 3, 2, 2]) { $0.mean = [1, 2] } } == .invalidArgument)
  }

  @Test func scales() throws {
    // One pixel of all is their mean, which for every channel is half.
    for value in try tensor([1, 3, 1, 1]).numbers() { #expect(abs(value - 0.5) < 1e-6) }
    // Doubled, bilinear interpolation at the pixels' centres: the red of the first row is 1, 3/4, 1/4, 0.
    let row = try tensor([1, 3, 4, 4]).numbers().prefix(4)
    #expect(zip(row, [1, 0.75, 0.25, 0]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(try tensor([1, 3, nil, nil]) { $0.size = (5, 7) }.shape.dims == [1, 3, 5, 7])
    // Of twice the height the middle column remains: the means of the columns' neighbours.
    let crop = try tensor([1, 3, 2, 1]) { $0.fit = .crop }.numbers()
    #expect(abs(crop[0] - 0.5) < 1e-6 && abs(crop[1] - 0.5) < 1e-6)
    #expect(code { _ = try tensor([1, 3, 1 << 40, 1 << 40]) } != nil)
    #expect(code { _ = try tensor([1, 3, 1 << 20, 1 << 20]) } == .unsupported)
  }

  @Test func refusesWhatIsNoPicture() {
    #expect(code { _ = try tensor([1, 3, 2, 2], bytes: [1, 2, 3]) } == .unsupported)
    #expect(code { _ = try tensor([1, 5, 2, 2]) } == .invalidArgument)
    #expect(code { _ = try tensor([2]) } == .invalidArgument)
    #expect(code { _ = try tensor([4, 3, 2, 2]) } == .invalidArgument)
    for count in 8..<PictureTests.png.count - 16 {
      #expect(code { _ = try tensor([1, 3, 2, 2], bytes: Array(PictureTests.png[..<count])) } == .invalidValue, "\(count) bytes")
    }
  }
}
