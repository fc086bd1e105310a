"""Measures the machine, the kernels and whole models beside other runtimes; `python -m bench --help` in the folder Benchmarks."""
