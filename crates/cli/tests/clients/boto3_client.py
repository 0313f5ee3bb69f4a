"""What a program does with boto3 and Kinesis Video, against the endpoint of the environment."""

import base64
import datetime
import http.client
import os
import sys
import time
from urllib.parse import urlparse

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

EBML, CLUSTER, TAGS = b"\x1a\x45\xdf\xa3", b"\x1f\x43\xb6\x75", b"\x12\x54\xc3\x67"


def as_produced(body):
    """A stored GetMedia body as its producer sent it: one Segment, without the tags of the service."""
    out = b""
    for index, rest in enumerate(body.split(EBML)[1:]):
        document = EBML + rest
        cluster, closing = document.index(CLUSTER), document.rindex(TAGS)
        if index == 0:
            out += document[: min(document.index(TAGS), cluster)]
        out += document[cluster : closing if closing > cluster else len(document)]
    return out


def put_media(endpoint, stream, body):
    """PutMedia is in no SDK for Python: signed as the producer SDK signs it, as if the body were empty."""
    headers = {
        "x-amzn-stream-name": stream,
        "x-amzn-fragment-timecode-type": "ABSOLUTE",
        "x-amzn-producer-start-timestamp": "%.3f" % time.time(),
    }
    session = boto3.Session()
    request = AWSRequest("POST", endpoint + "/putMedia", headers=headers, data=b"")
    SigV4Auth(session.get_credentials(), "kinesisvideo", session.region_name).add_auth(request)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
    connection = http.client.HTTPConnection(urlparse(endpoint).netloc)
    pieces = (body[at : at + 7000] for at in range(0, len(body), 7000))
    connection.request("POST", "/putMedia", pieces, headers | {"Transfer-Encoding": "chunked"}, encode_chunked=True)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def refused(kind, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == kind, error
        assert error.response["Error"]["Message"], error
        return
    raise AssertionError(f"{kind} expected")


def main(path):
    with open(path, "rb") as file:
        body = file.read()
    video = boto3.client("kinesisvideo")
    arn = video.create_stream(StreamName="door", DataRetentionInHours=2, Tags={"room": "hall"})["StreamARN"]
    info = video.describe_stream(StreamARN=arn)["StreamInfo"]
    assert info["Status"] == "ACTIVE" and info["DataRetentionInHours"] == 2, info
    assert isinstance(info["CreationTime"], datetime.datetime)
    assert [stream["StreamName"] for stream in video.list_streams()["StreamInfoList"]] == ["door"]
    endpoint = video.get_data_endpoint(StreamName="door", APIName="PUT_MEDIA")["DataEndpoint"]
    status, acks = put_media(endpoint, "door", as_produced(body))
    count = body.count(EBML)
    assert status == 200 and acks.count("PERSISTED") == count, acks

    media = boto3.client("kinesis-video-media", endpoint_url=endpoint)

    def documents(**selector):
        answer = media.get_media(StreamName="door", StartSelector=selector)
        assert answer["ContentType"] == "video/webm"
        return answer["Payload"].read().count(EBML)

    archive = boto3.client("kinesis-video-archived-media", endpoint_url=endpoint)
    times = {"StartTimestamp": datetime.datetime(2001, 1, 1), "EndTimestamp": datetime.datetime(2100, 1, 1)}
    selector = {"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": times}
    pages = archive.get_paginator("list_fragments").paginate(
        StreamName="door", FragmentSelector=selector, PaginationConfig={"PageSize": 2}
    )
    fragments = sorted((info for page in pages for info in page["Fragments"]), key=lambda info: info["FragmentNumber"])
    numbers = [info["FragmentNumber"] for info in fragments]
    assert len(set(numbers)) == count, numbers

    assert documents(StartSelectorType="EARLIEST") == count
    assert documents(StartSelectorType="FRAGMENT_NUMBER", AfterFragmentNumber=numbers[0]) == count - 1
    assert documents(StartSelectorType="CONTINUATION_TOKEN", ContinuationToken=numbers[1]) == count - 2
    first = fragments[0]["ProducerTimestamp"]
    assert documents(StartSelectorType="PRODUCER_TIMESTAMP", StartTimestamp=first) == count
    assert documents(StartSelectorType="SERVER_TIMESTAMP", StartTimestamp=datetime.datetime(2001, 1, 1)) == count
    assert documents(StartSelectorType="NOW") <= 1

    listed = archive.get_media_for_fragment_list(StreamName="door", Fragments=numbers)["Payload"].read()
    assert listed.count(EBML) == count
    missing = archive.get_media_for_fragment_list(StreamName="door", Fragments=["1"])["Payload"].read()
    assert b"FRAGMENT_NOT_FOUND" in missing
    window = {"StartTimestamp": time.time() - 600, "EndTimestamp": time.time() + 60}
    clip = archive.get_clip(
        StreamName="door",
        ClipFragmentSelector={"FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": window},
    )
    assert clip["ContentType"] == "video/mp4" and clip["Payload"].read()[4:8] == b"ftyp"
    media_time = first.timestamp()
    wanted = {
        "StreamName": "door",
        "ImageSelectorType": "PRODUCER_TIMESTAMP",
        "StartTimestamp": media_time,
        "EndTimestamp": media_time + 3,
        "SamplingInterval": 1000,
        "Format": "PNG",
    }
    images = archive.get_images(**wanted)["Images"]
    assert [image["TimeStamp"].timestamp() for image in images] == [media_time + step for step in range(3)], images
    assert all(base64.b64decode(image["ImageContent"])[1:4] == b"PNG" for image in images), images
    pages = archive.get_paginator("get_images").paginate(
        **wanted | {"SamplingInterval": 200, "StartTimestamp": media_time - 2}, PaginationConfig={"PageSize": 10}
    )
    images = [image for page in pages for image in page["Images"]]
    assert len(images) == 25 and all(image["Error"] == "NO_MEDIA" for image in images[:10]), images
    assert all("ImageContent" in image for image in images[11:]), images
    refused("InvalidArgumentException", archive.get_images, **wanted | {"EndTimestamp": media_time + 301})
    assert archive.get_hls_streaming_session_url(StreamName="door")["HLSStreamingSessionURL"].startswith(endpoint)

    version = video.describe_stream(StreamName="door")["StreamInfo"]["Version"]
    change = {"Operation": "INCREASE_DATA_RETENTION", "DataRetentionChangeInHours": 1}
    video.update_data_retention(StreamName="door", CurrentVersion=version, **change)
    refused("VersionMismatchException", video.update_data_retention, StreamName="door", CurrentVersion=version, **change)
    images = {
        "Status": "ENABLED",
        "ImageSelectorType": "SERVER_TIMESTAMP",
        "DestinationConfig": {"Uri": "s3://bucket/prefix", "DestinationRegion": boto3.Session().region_name},
        "SamplingInterval": 3000,
        "Format": "JPEG",
    }
    video.update_image_generation_configuration(StreamName="door", ImageGenerationConfiguration=images)
    told = video.describe_image_generation_configuration(StreamName="door")["ImageGenerationConfiguration"]
    assert told == images, told
    notification = {"Status": "ENABLED", "DestinationConfig": {"Uri": "sns://arn:aws:sns:us-east-1:1:topic"}}
    video.update_notification_configuration(StreamName="door", NotificationConfiguration=notification)
    told = video.describe_notification_configuration(StreamName="door")["NotificationConfiguration"]
    assert told == notification, told
    assert video.list_tags_for_stream(StreamName="door")["Tags"] == {"room": "hall"}

    refused("ResourceNotFoundException", video.describe_stream, StreamName="nobody")
    refused("ResourceInUseException", video.create_stream, StreamName="door")
    stranger = boto3.client("kinesisvideo", aws_access_key_id="AKIASTRANGER", aws_secret_access_key="x")
    refused("UnrecognizedClientException", stranger.list_streams)
    secret = boto3.client(
        "kinesisvideo", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"], aws_secret_access_key="not the secret"
    )
    refused("InvalidSignatureException", secret.list_streams)
    refused("InvalidSignatureException", boto3.client("kinesisvideo", region_name="ap-south-1").list_streams)
    video.delete_stream(StreamARN=arn)
    assert video.list_streams()["StreamInfoList"] == []
    print("all as in the service")


main(sys.argv[1])
