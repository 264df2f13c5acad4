"""What is asked by REST, at each venue's pace."""
