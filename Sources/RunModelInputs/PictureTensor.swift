import PinionBase
import PinionCPU
import PinionTensor

/// Where the channels stand in a picture's tensor.
package enum PictureLayout: String, Sendable, CaseIterable {
  case nchw, nhwc
}

/// Which channel comes first.
package enum ChannelOrder: String, Sendable, CaseIterable {
  case rgb, bgr
}

/// What a model wants of the pictures it is given: `(pixel * scale - mean) / std` for each channel.
package struct PicturePreparation: Sendable {
  /// Factor of the pixels 0...255; nil for 1/255 where the input is floating-point, 1 where it is not.
  package var scale: Double?
  /// One for all channels, or one each, in the order in which the tensor has them.
  package var mean: [Double] = []
  package var std: [Double] = []
  /// Nil for the size that the model declares, or else the picture's own.
  package var size: (height: Int, width: Int)?
  /// Nil to follow the place where the model declares 1, 3 or 4 channels.
  package var layout: PictureLayout?
  package var order = ChannelOrder.rgb
  package var fit = PictureFit.stretch

  package init() {}

  /// Decodes a picture for an input.
  /// - Parameter dims: the input's declared extents, nil where they are open; of rank 4, or 3 or 2 without batch and channels.
  package func tensor(_ file: FileMapping, element: ElementType, dims: [Int?]) throws(PinionError) -> Tensor {
    let layout = self.layout ?? PicturePreparation.guess(dims)
    let places = try Places(dims, layout)
    let channels = places.channel.flatMap { dims[$0] } ?? (places.channel == nil ? 1 : 3)
    let picture = try Picture(decoding: file, channels: channels)
    let height = size?.height ?? dims[places.height] ?? picture.height
    let width = size?.width ?? dims[places.width] ?? picture.width
    let scaled = try picture.scaled(width: width, height: height, fit: fit)
    let values = try arranged(scaled, layout: places.channel == nil ? .nhwc : layout, isReal: element.isFloatingPoint)

    var extents = [Int](repeating: 1, count: dims.count)
    extents[places.height] = height
    extents[places.width] = width
    if let channel = places.channel { extents[channel] = channels }
    let source = try Tensor(values, try Shape(extents))
    guard element != .float32 else { return source }
    let result = try Tensor(TensorType(element, source.shape))
    try ElementConversion(from: .float32, to: element)(source.data, result.data, result.count)
    return result
  }

  private struct Places {
    let height: Int
    let width: Int
    let channel: Int?

    init(_ dims: [Int?], _ layout: PictureLayout) throws(PinionError) {
      let rank = dims.count
      guard (2...4).contains(rank) else { throw .invalidArgument("a picture for an input of rank \(rank); expected 2 to 4") }
      guard rank < 4 || (dims[0] ?? 1) == 1 else { throw .invalidArgument("one picture for an input with a batch of \(dims[0] ?? 1)") }
      switch layout {
      case _ where rank == 2: (height, width, channel) = (0, 1, nil)
      case .nchw: (height, width, channel) = (rank - 2, rank - 1, rank - 3)
      case .nhwc: (height, width, channel) = (rank - 3, rank - 2, rank - 1)
      }
    }
  }

  private static func guess(_ dims: [Int?]) -> PictureLayout {
    func isChannels(_ extent: Int?) -> Bool { extent == 1 || extent == 3 || extent == 4 }
    guard dims.count >= 3 else { return .nchw }
    return !isChannels(dims[dims.count - 3]) && isChannels(dims[dims.count - 1]) ? .nhwc : .nchw
  }

  private func arranged(_ picture: FloatPicture, layout: PictureLayout, isReal: Bool) throws(PinionError) -> [Float] {
    let channels = picture.channels
    let mean = try perChannel(self.mean, "mean", channels, default: 0), std = try perChannel(self.std, "std", channels, default: 1)
    guard !std.contains(0) else { throw .invalidArgument("a standard deviation of 0") }
    let scale = self.scale ?? (isReal ? 1.0 / 255 : 1)
    let plane = picture.width &* picture.height
    var result = [Float](repeating: 0, count: picture.values.count)
    for channel in 0..<channels {
      let from = order == .bgr && channels >= 3 && channel < 3 ? 2 - channel : channel
      for place in 0..<plane {
        let value = (Double(picture.values[place &* channels &+ from]) * scale - mean[channel]) / std[channel]
        result[layout == .nchw ? channel &* plane &+ place : place &* channels &+ channel] = Float(isReal ? value : value.rounded())
      }
    }
    return result
  }

  private func perChannel(_ values: [Double], _ name: String, _ channels: Int, default value: Double) throws(PinionError) -> [Double] {
    switch values.count {
    case 0: return [Double](repeating: value, count: channels)
    case 1: return [Double](repeating: values[0], count: channels)
    case channels: return values
    default: throw .invalidArgument("\(values.count) numbers for \(name) and \(channels) channels")
    }
  }
}
