// The assignment in one process: A and B at the same time, a FIFO queue between them, `-1` at the end.
// Prints the lines that B would write to its file.
import {
  DetectLabelsCommand,
  DetectTextCommand,
  RekognitionClient,
} from "@aws-sdk/client-rekognition";
import { GetObjectCommand, S3Client, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";

const Bucket = process.env.BUCKET;
const s3 = new S3Client({ forcePathStyle: true });
const sqs = new SQSClient();
const rekognition = new RekognitionClient();
const Attributes = { FifoQueue: "true", ContentBasedDeduplication: "true" };
const { QueueUrl } = await sqs.send(
  new CreateQueueCommand({ QueueName: "cars.fifo", Attributes }),
);

async function findCars() {
  const send = (MessageBody) =>
    sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId: "cars" }));
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket })) {
    for (const { Key } of page.Contents) {
      const Image = { S3Object: { Bucket, Name: Key } };
      const { Labels } = await rekognition.send(new DetectLabelsCommand({ Image }));
      if (Labels.some((label) => label.Name === "Car" && label.Confidence > 90)) await send(Key);
    }
  }
  await send("-1");
}

async function readTexts() {
  const lines = new Map();
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }),
    );
    let isOver = false;
    for (const { Body: Key, ReceiptHandle } of Messages) {
      if (Key === "-1") isOver = true;
      else {
        const object = await s3.send(new GetObjectCommand({ Bucket, Key }));
        const Image = { Bytes: await object.Body.transformToByteArray() };
        const { TextDetections } = await rekognition.send(new DetectTextCommand({ Image }));
        const read = TextDetections.filter((text) => text.Type === "LINE" && text.Confidence >= 80);
        if (read.length) lines.set(Key, read.map((text) => text.DetectedText).join(" | "));
      }
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    if (isOver) return lines;
  }
}

const [, lines] = await Promise.all([findCars(), readTexts()]);
const natural = new Intl.Collator("en", { numeric: true });
for (const key of [...lines.keys()].sort(natural.compare)) console.log(`${key}: ${lines.get(key)}`);
