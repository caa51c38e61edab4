"""CSV files of bars as vendors and brokers export them: text, columns, figures, times, clock, hours."""
