"""The fragments of a stream as files, as it is written with boto3.

python media_to_fragments.py STREAM FOLDER
"""

import os
import re
import sys

import boto3

stream, folder = sys.argv[1:]

EBML = b"\x1a\x45\xdf\xa3"
# The identifier of TagString and its size lie between the name and the digits.
NUMBER = re.compile(rb"AWS_KINESISVIDEO_FRAGMENT_NUMBER\x44\x87.{1,8}?([0-9]{40,})", re.DOTALL)

endpoint = boto3.client("kinesisvideo").get_data_endpoint(StreamName=stream, APIName="GET_MEDIA")["DataEndpoint"]
media = boto3.client("kinesis-video-media", endpoint_url=endpoint)
body = media.get_media(StreamName=stream, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"]

os.makedirs(folder, exist_ok=True)


def keep(fragment):
    number = NUMBER.search(fragment).group(1).decode()
    with open(os.path.join(folder, number + ".mkv"), "wb") as file:
        file.write(fragment)
    print(number, len(fragment))


# Each fragment begins with an EBML header, so one is known to be whole when the next one begins.
buffer = b""
for piece in body.iter_chunks(1024):
    buffer += piece
    while (end := buffer.find(EBML, 1)) > 0:
        keep(buffer[:end])
        buffer = buffer[end:]
if buffer:
    keep(buffer)
body.close()
