import PinionGraph
import PinionOperators

/// The part that a node may have in a region of half precision that is computed in float32.
enum HalfPart {
  /// Computes; the region is there for such nodes.
  case computation
  /// Puts all elements elsewhere, which later passes take into the node that reads them.
  case layout
  /// Moves elements, perhaps not all of them, or only one operand of several.
  case selection
  /// Reads what is there, and gives out no half values but those that the model asks for.
  case reader

  /// Nil for operators that have no part.
  init?(_ kind: any Operator.Type) {
    switch kind {
    // Their attributes or other operands hold the element type.
    case BitCast.self, CastLike.self: return nil
    // Extents of what they make hang on the last bit of what they read.
    case RangeOperator.self, NonZero.self, Unique.self, OneHot.self: return nil
    // Would no longer see what is too large for float16.
    case IsInf.self: return nil
    // Codes, which are the model's own rounding, and what is unpacked of them.
    case QuantizeLinear.self, MicrosoftQuantizeLinear.self, DequantizeLinear.self, MicrosoftDequantizeLinear.self, GatherBlockQuantized.self:
      return nil
    case Reshape.self, Transpose.self, Squeeze.self, Unsqueeze.self, Flatten.self, Expand.self, Identity.self, AlignAxes.self,
      DepthToSpace.self, SpaceToDepth.self:
      self = .layout
    case Concat.self, Slice.self, Split.self, Gather.self, GatherElements.self, GatherND.self, Pad.self, Where.self, Tile.self, Compress.self,
      ReverseSequence.self, Scatter.self, ScatterElements.self, ScatterND.self, TensorScatter.self, CenterCropPad.self, Trilu.self:
      self = .selection
    case Cast.self, ShapeOperator.self, Size.self: self = .reader
    default:
      // Models of trees and the like hold numbers of their input's type.
      guard kind.isDeterministic, kind.schema.domain != "ai.onnx.ml" else { return nil }
      self = .computation
    }
  }

  /// Whether an operand says extents and so stays as it is.
  func keeps(_ slot: Int, of kind: any Operator.Type) -> Bool {
    switch kind {
    case Resize.self, Upsample.self, Tile.self: slot > 0
    default: false
    }
  }
}
