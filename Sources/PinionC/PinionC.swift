import CPinion
