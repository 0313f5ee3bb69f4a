"""The pictures of a stretch of producer time, as it is written with boto3 and OpenCV.

python clip_to_pictures.py STREAM FROM TO FOLDER       FROM and TO like 2026-03-01T08:15:00+00:00
"""

import datetime
import os
import sys
import tempfile

import boto3
import cv2

stream, start, end, folder = sys.argv[1:]

endpoint = boto3.client("kinesisvideo").get_data_endpoint(StreamName=stream, APIName="GET_CLIP")["DataEndpoint"]
archive = boto3.client("kinesis-video-archived-media", endpoint_url=endpoint)
answer = archive.get_clip(
    StreamName=stream,
    ClipFragmentSelector={
        "FragmentSelectorType": "PRODUCER_TIMESTAMP",
        "TimestampRange": {
            "StartTimestamp": datetime.datetime.fromisoformat(start),
            "EndTimestamp": datetime.datetime.fromisoformat(end),
        },
    },
)

os.makedirs(folder, exist_ok=True)
with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
    for piece in answer["Payload"].iter_chunks():
        file.write(piece)
    file.flush()
    video = cv2.VideoCapture(file.name)
    count = 0
    while True:
        there, picture = video.read()
        if not there:
            break
        cv2.imwrite(os.path.join(folder, f"{count:06}.jpg"), picture)
        count += 1
    video.release()
print(count, "pictures")
