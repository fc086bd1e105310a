import PinionBase
import PinionGraph
import PinionTensor

/// torchvision's own operators.
extension Lowering {
  func vision(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.key {
    case "torchvision.nms":
      let boxes = try unsqueeze(try c.tensor("dets", as: .float32), [0]), scores = try unsqueeze(try c.tensor("scores", as: .float32), [0, 1])
      let threshold = try scalar(try c.number("iou_threshold"), .float32)
      let count = try scalar(Int64(Int32.max), .int64)
      let ids = try emit("NonMaxSuppression", [boxes.id, scores.id, count.id, threshold.id])
      return [try gather(Term(id: ids[0], element: .int64, dims: [nil, 3]), try scalar(Int64(2), .int64), 1)]
    case "torchvision.roi_align":
      let x = try c.tensor("input"), rois = try c.tensor("rois")
      guard x.rank == 4, rois.rank == 2 else { throw .unsupported("roi_align but of an image batch and boxes with their batch's index") }
      let batch = try cast(try gather(rois, try scalar(Int64(0), .int64), 1), .int64)
      let height = try c.int("pooled_height"), width = try c.int("pooled_width")
      let attributes: [String: AttributeValue] = [
        "output_height": .int(height), "output_width": .int(width), "sampling_ratio": .int(max(try c.int("sampling_ratio"), 0)),
        "spatial_scale": .float(Float(try c.float("spatial_scale"))),
        "coordinate_transformation_mode": .string(try c.bool("aligned") ? "half_pixel" : "output_half_pixel"),
      ]
      let regions = try slice(rois, 1, 1, 5)
      let means = try op("RoiAlign", [x, regions, batch], attributes, dims: [rois.dims[0], x.dims[1], Int(height), Int(width)])
      // ONNX divides by all points of a bin, torchvision 0.28 by those inside the image: of an image of ones the mean is their share.
      let image = try extents(x)
      let ones = try filled(try scalar(1.0, x.element), [image[0], .known(1), image[2], image[3]])
      let shares = try op("RoiAlign", [ones, regions, batch], attributes, dims: [rois.dims[0], 1, Int(height), Int(width)])
      let zero = try scalar(0.0, x.element)
      let isOutside = try equal(shares, zero)
      return [try choose(isOutside, zero, try div(means, try choose(isOutside, try scalar(1.0, x.element), shares)))]
    default: return nil
    }
  }
}
