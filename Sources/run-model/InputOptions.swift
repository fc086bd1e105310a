import ArgumentParser
import Pinion
import RunModelInputs

/// What the model is given; shared by all commands that need inputs.
struct InputOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .long],
    help: ArgumentHelp(
      "An input: a file, 'random', 'zeros', 'ones' or values.",
      discussion: """
        FILE is .npy, .npz (the array of that name), .pb (a TensorProto), .txt (numbers, or a string a line) or .bin (bytes as \
        they are in memory). 'random:LOW:HIGH' sets the range of random numbers. Values are one for all elements (x=0.5), a list \
        (x=1,2,3) or nested lists (x=[[1,2],[3,4]]); strings may be quoted: t='["a","b, c"]'. Where the model has only one input, \
        NAME= may be left out.
        """, valueName: "name=what"))
  var input: [NamedText] = []

  @Option(help: ArgumentHelp("Inputs by name from a .npz file.", valueName: "file.npz"), completion: .file(extensions: ["npz"]))
  var inputs: String?

  @Option(help: ArgumentHelp("An input's shape, where it is not complete in the model.", valueName: "name=1x3x224x224"))
  var shape: [NamedShape] = []

  @Option(help: ArgumentHelp("The size of a symbolic dimension.", valueName: "symbol=size"))
  var dim: [NamedSize] = []

  @Option(help: "Seed of random inputs.")
  var seed: UInt64 = 0

  @OptionGroup(title: "Pictures") var pictures: PictureOptions

  func validate() throws {
    for (index, size) in dim.enumerated() where dim[..<index].contains(where: { $0.symbol == size.symbol }) {
      throw ValidationError("--dim gives '\(size.symbol)' twice")
    }
  }
}

struct PictureOptions: ParsableArguments {
  @Option(help: ArgumentHelp("An input from a PNG or JPEG file.", valueName: "name=file"))
  var image: [NamedText] = []

  @Option(help: ArgumentHelp("Factor of the pixels 0...255, before mean and std. (default: 1/255, 1 for integers)", valueName: "factor"))
  var scale: Double?

  @Option(help: ArgumentHelp("Subtracted from the scaled pixels, one number or one a channel.", valueName: "r,g,b"))
  var mean: NumberList?

  @Option(help: ArgumentHelp("Divides what is left, one number or one a channel.", valueName: "r,g,b"))
  var std: NumberList?

  @Option(help: ArgumentHelp("Height and width. (default: the model's, or else the picture's)", valueName: "224x224"))
  var size: PictureSize?

  @Option(help: "How a picture is brought to the size: stretch, or crop from its middle.")
  var fit = PictureFit.stretch

  @Option(help: "Where the channels stand. (default: where the model declares 1, 3 or 4)")
  var layout: PictureLayout?

  @Option(help: "Which channel comes first.")
  var channelOrder = ChannelOrder.rgb

  func validate() throws {
    if let scale, !scale.isFinite { throw ValidationError("--scale is \(scale)") }
  }

  var preparation: PicturePreparation {
    var preparation = PicturePreparation()
    preparation.scale = scale
    preparation.mean = mean?.numbers ?? []
    preparation.std = std?.numbers ?? []
    preparation.size = size.map { ($0.height, $0.width) }
    preparation.fit = fit
    preparation.layout = layout
    preparation.order = channelOrder
    return preparation
  }
}
