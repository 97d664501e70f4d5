"""What is counted: one file for a process, its tree, its control group, the machine and its CPUs' speed."""
