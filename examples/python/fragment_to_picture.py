"""The picture of a fragment number, as it is written with boto3 and OpenCV.

python fragment_to_picture.py STREAM FRAGMENT_NUMBER PICTURE
"""

import sys
import tempfile

import boto3
import cv2

stream, number, target = sys.argv[1:]

endpoint = boto3.client("kinesisvideo").get_data_endpoint(
    StreamName=stream, APIName="GET_MEDIA_FOR_FRAGMENT_LIST"
)["DataEndpoint"]
archive = boto3.client("kinesis-video-archived-media", endpoint_url=endpoint)
answer = archive.get_media_for_fragment_list(StreamName=stream, Fragments=[number])

# OpenCV reads files alone.
with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
    file.write(answer["Payload"].read())
    file.flush()
    video = cv2.VideoCapture(file.name)
    there, picture = video.read()
    video.release()

if not there:
    sys.exit("no picture")
cv2.imwrite(target, picture)
