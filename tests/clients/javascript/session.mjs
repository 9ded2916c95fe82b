// S3, SQS and Rekognition as the AWS SDK for JavaScript speaks to them; it ends where one errs.
// Everything is taken from the environment, the picture's path from the command line.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";

import { DetectLabelsCommand, RekognitionClient } from "@aws-sdk/client-rekognition";
import * as s3 from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import * as sqs from "@aws-sdk/client-sqs";

const BODY = "a<b>&\"' \r\n\t ü🚗";
const Bucket = "from-javascript";
const [, , picture] = process.argv;

const bucket = new s3.S3Client({ forcePathStyle: true });
const queues = new sqs.SQSClient();
const recognition = new RekognitionClient({ maxAttempts: 1 });

await bucket.send(new s3.CreateBucketCommand({ Bucket }));
const Key = "ü +1.jpg";
const size = (await stat(picture)).size;
await bucket.send(new s3.PutObjectCommand({ Bucket, Key, Body: await readFile(picture) }));
// A stream goes in signed chunks with a checksum behind them.
const streamed = { Bucket, Key: "streamed.jpg", Body: createReadStream(picture), ContentLength: size };
await bucket.send(new s3.PutObjectCommand(streamed));
const listed = await bucket.send(new s3.ListObjectsV2Command({ Bucket }));
assert.deepEqual(listed.Contents.map((found) => [found.Key, found.Size]), [
  ["streamed.jpg", size],
  [Key, size],
]);
for (const name of [Key, "streamed.jpg"]) {
  const got = await bucket.send(new s3.GetObjectCommand({ Bucket, Key: name }));
  assert.deepEqual(Buffer.from(await got.Body.transformToByteArray()), await readFile(picture));
}
const url = await getSignedUrl(bucket, new s3.GetObjectCommand({ Bucket, Key }));
assert.equal((await (await fetch(url)).arrayBuffer()).byteLength, size);
await assert.rejects(bucket.send(new s3.GetObjectCommand({ Bucket, Key: "no" })), s3.NoSuchKey);

const { QueueUrl: dead } = await queues.send(new sqs.CreateQueueCommand({ QueueName: "js-dead" }));
const asked = { QueueUrl: dead, AttributeNames: ["QueueArn"] };
const { Attributes } = await queues.send(new sqs.GetQueueAttributesCommand(asked));
const redrive = { deadLetterTargetArn: Attributes.QueueArn, maxReceiveCount: 1 };
const { QueueUrl } = await queues.send(
  new sqs.CreateQueueCommand({
    QueueName: "js",
    Attributes: { RedrivePolicy: JSON.stringify(redrive) },
    tags: { a: "b" },
  }),
);
// The SDK itself compares the digests of what it sends and of what it receives.
const MessageAttributes = {
  n: { DataType: "Number", StringValue: "1" },
  b: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 255) },
};
await queues.send(new sqs.SendMessageCommand({ QueueUrl, MessageBody: BODY, MessageAttributes }));
const sent = await queues.send(
  new sqs.SendMessageBatchCommand({
    QueueUrl,
    Entries: [
      { Id: "good", MessageBody: "x" },
      { Id: "bad", MessageBody: "" },
    ],
  }),
);
assert.deepEqual(sent.Successful.map((entry) => entry.Id), ["good"]);
assert.deepEqual(sent.Failed.map((entry) => entry.Id), ["bad"]);
const { Messages } = await queues.send(
  new sqs.ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: 10,
    MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["All"],
    WaitTimeSeconds: 1,
  }),
);
assert.deepEqual(Messages.map((message) => message.Body), [BODY, "x"]);
assert.equal(Messages[0].Attributes.ApproximateReceiveCount, "1");
assert.deepEqual([...Messages[0].MessageAttributes.b.BinaryValue], [0, 255]);
const [first, second] = Messages.map((message) => ({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
await queues.send(new sqs.DeleteMessageCommand(second));
await queues.send(new sqs.ChangeMessageVisibilityCommand({ ...first, VisibilityTimeout: 0 }));
const none = await queues.send(new sqs.ReceiveMessageCommand({ QueueUrl }));
assert.equal(none.Messages, undefined);
const letter = await queues.send(new sqs.ReceiveMessageCommand({ QueueUrl: dead }));
assert.equal(letter.Messages[0].Body, BODY);
await assert.rejects(
  queues.send(new sqs.DeleteMessageCommand({ QueueUrl, ReceiptHandle: "x" })),
  sqs.ReceiptHandleIsInvalid,
);
await queues.send(new sqs.DeleteQueueCommand({ QueueUrl }));
await assert.rejects(
  queues.send(new sqs.ReceiveMessageCommand({ QueueUrl })),
  sqs.QueueDoesNotExist,
);

const Image = { Bytes: await readFile(picture) };
const { Labels } = await recognition.send(new DetectLabelsCommand({ Image, MaxLabels: 1 }));
assert.equal(Labels.length, 1);
const wrong = new DetectLabelsCommand({ Image: { Bytes: Uint8Array.of(1) } });
await assert.rejects(recognition.send(wrong), { name: "InvalidImageFormatException" });
