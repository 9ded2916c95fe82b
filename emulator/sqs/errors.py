"""What SQS refuses with: its names for both protocols."""

from __future__ import annotations


class SqsError(Exception):
    """An error that the service answers, of the sender's making unless it says otherwise."""

    def __init__(
        self, shape: str, message: str, *, status: int = 400, sender_fault: bool = True
    ) -> None:
        super().__init__(message)
        self.shape, self.message, self.status = shape, message, status
        self.sender_fault = sender_fault

    @property
    def query_code(self) -> str:
        """The older name: of the query protocol, and of x-amzn-query-error."""
        if self.shape in PREFIXED:
            return f"AWS.SimpleQueueService.{self.shape}"
        return RENAMED.get(self.shape, self.shape)


# Source: botocore's model of the service ("awsQueryCompatible"), each shape's query code.
PREFIXED = {
    "BatchEntryIdsNotDistinct",
    "BatchRequestTooLong",
    "EmptyBatchRequest",
    "InvalidBatchEntryId",
    "MessageNotInflight",
    "PurgeQueueInProgress",
    "QueueDeletedRecently",
    "TooManyEntriesInBatchRequest",
    "UnsupportedOperation",
}
RENAMED = {
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
}


def invalid_value(value: object, name: str, reason: str) -> SqsError:
    """Refuse the value of a parameter."""
    return SqsError(
        "InvalidParameterValue", f"Value {value} for parameter {name} is invalid. Reason: {reason}"
    )


def missing(name: str) -> SqsError:
    """Refuse a request that lacks a parameter."""
    return SqsError("MissingParameter", f"The request must contain the parameter {name}.")
