"""SQS: what a queue does (queue, fifo), what the API says (service), and how it is said (protocol)."""
