"""From a batch to the features that readouts see, and what is measured on the way."""
