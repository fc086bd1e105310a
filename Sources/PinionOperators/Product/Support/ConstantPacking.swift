import PinionCPU

// Products and convolutions, whose weights are most of a model.
extension MatMul: ConstantPacking {}
extension FusedMatMul: ConstantPacking {}
extension Gemm: ConstantPacking {}
extension FusedGemm: ConstantPacking {}
extension Conv: ConstantPacking {}
extension FusedConv: ConstantPacking {}
extension ConvTranspose: ConstantPacking {}
extension LSTM: ConstantPacking {}
extension GRU: ConstantPacking {}
extension RNN: ConstantPacking {}
