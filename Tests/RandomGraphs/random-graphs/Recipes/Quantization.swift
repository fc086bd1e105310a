extension Recipe { static let quantization: [Recipe] = [] }
