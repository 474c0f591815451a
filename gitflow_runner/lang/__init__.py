"""The flow language: reader, analyser, evaluator and its library; pure, and ignorant of Git and runs."""
