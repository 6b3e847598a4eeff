"""Holds frequent English words and names as Korean says them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Words in small letters. What is read by its letters (AI, KBS) is not here.
_WORDS = """
    coffee 커피, computer 컴퓨터, internet 인터넷, online 온라인, offline 오프라인, email 이메일,
    e-mail 이메일, wi-fi 와이파이, wifi 와이파이, bluetooth 블루투스, smartphone 스마트폰,
    phone 폰, iphone 아이폰, ipad 아이패드, android 안드로이드, google 구글, youtube 유튜브,
    facebook 페이스북, instagram 인스타그램, twitter 트위터, apple 애플, samsung 삼성,
    hyundai 현대, naver 네이버, kakao 카카오, kakaotalk 카카오톡, netflix 넷플릭스, amazon 아마존,
    microsoft 마이크로소프트, windows 윈도우, tesla 테슬라, chatgpt 챗지피티, openai 오픈에이아이,
    nvidia 엔비디아, intel 인텔, galaxy 갤럭시, zoom 줌, starbucks 스타벅스, mcdonald's 맥도날드,
    nike 나이키, adidas 아디다스, disney 디즈니, sony 소니, github 깃허브, linux 리눅스,
    python 파이썬, java 자바, javascript 자바스크립트, korea 코리아, seoul 서울, busan 부산,
    america 아메리카, china 차이나, japan 재팬, london 런던, paris 파리, new 뉴, york 욕,
    tokyo 도쿄, hello 헬로, hi 하이, bye 바이, thank 땡큐, thanks 땡스, you 유, good 굿,
    morning 모닝, night 나이트, love 러브, happy 해피, birthday 버스데이, merry 메리,
    christmas 크리스마스, ok 오케이, okay 오케이, no 노, yes 예스, sorry 쏘리, sale 세일,
    free 프리, best 베스트, one 원, two 투, three 쓰리, four 포, five 파이브, six 식스, seven 세븐,
    eight 에이트, nine 나인, ten 텐, first 퍼스트, and 앤드, or 오어, of 오브, the 더, in 인,
    on 온, at 앳, to 투, for 포, is 이즈, it's 잇츠, my 마이, me 미, we 위, are 아, be 비, not 낫,
    with 위드, from 프롬, by 바이, what 왓, how 하우, all 올, up 업, down 다운, go 고, let's 렛츠,
    day 데이, time 타임, world 월드, cup 컵, home 홈, house 하우스, room 룸, hotel 호텔, bus 버스,
    taxi 택시, train 트레인, car 카, plane 플레인, airport 에어포트, news 뉴스, sports 스포츠,
    game 게임, music 뮤직, movie 무비, video 비디오, audio 오디오, radio 라디오, camera 카메라,
    photo 포토, show 쇼, star 스타, idol 아이돌, fan 팬, concert 콘서트, team 팀, member 멤버,
    club 클럽, party 파티, menu 메뉴, box 박스, mail 메일, gmail 지메일, abc 에이비씨,
    xbox 엑스박스, daum 다음, ios 아이오에스, ctrl 컨트롤, alt 알트, shift 시프트, enter 엔터,
    tab 탭, esc 이에스시, exo 엑소, eleven 일레븐, pizza 피자, chicken 치킨, burger 버거,
    hamburger 햄버거, cake 케이크, bread 브레드, milk 밀크, juice 주스, tea 티, water 워터,
    ice 아이스, cream 크림, americano 아메리카노, latte 라떼, cafe 카페, restaurant 레스토랑,
    bar 바, shop 숍, store 스토어, mall 몰, market 마켓, shopping 쇼핑, card 카드, point 포인트,
    service 서비스, center 센터, data 데이터, file 파일, folder 폴더, program 프로그램,
    software 소프트웨어, hardware 하드웨어, app 앱, web 웹, site 사이트, website 웹사이트,
    blog 블로그, link 링크, login 로그인, logout 로그아웃, id 아이디, password 패스워드,
    click 클릭, download 다운로드, upload 업로드, update 업데이트, server 서버, cloud 클라우드,
    system 시스템, network 네트워크, mobile 모바일, digital 디지털, smart 스마트, robot 로봇,
    drone 드론, battery 배터리, mouse 마우스, keyboard 키보드, monitor 모니터, laptop 랩톱,
    notebook 노트북, printer 프린터, screen 스크린, display 디스플레이, memory 메모리, chip 칩,
    version 버전, test 테스트, project 프로젝트, plan 플랜, meeting 미팅, team 팀, leader 리더,
    manager 매니저, ceo 시이오, business 비즈니스, company 컴퍼니, brand 브랜드, design 디자인,
    model 모델, style 스타일, fashion 패션, beauty 뷰티, health 헬스, fitness 피트니스, yoga 요가,
    golf 골프, tennis 테니스, soccer 사커, football 풋볼, baseball 베이스볼, english 잉글리시,
    korean 코리안, school 스쿨, class 클래스, book 북, story 스토리, life 라이프, live 라이브,
    tv 티브이, nasa 나사, unesco 유네스코, unicef 유니세프, nato 나토, fifa 피파, opec 오펙,
    apec 에이펙, asean 아세안, sars 사스, aids 에이즈, ikea 이케아, kospi 코스피, kosdaq 코스닥,
    nasdaq 나스닥, kaist 카이스트, posco 포스코, kotra 코트라, korail 코레일, covid 코비드, ram 램,
    lan 랜, jpeg 제이펙, usb 유에스비, mr 미스터, mrs 미시즈, ms 미즈, dr 닥터, com 컴, net 넷,
    org 오알지, red 레드, blue 블루, green 그린, black 블랙, white 화이트, pink 핑크, gold 골드,
    silver 실버, big 빅, small 스몰, large 라지, medium 미디엄, size 사이즈, color 컬러, set 세트,
    event 이벤트, coupon 쿠폰, gift 기프트, open 오픈, close 클로즈, start 스타트, stop 스톱,
    end 엔드, play 플레이, pop 팝, rock 록, jazz 재즈, hip 힙, hop 합, rap 랩, dance 댄스, song 송,
    drama 드라마, comedy 코미디, action 액션, hero 히어로, king 킹, queen 퀸, baby 베이비, girl 걸,
    boy 보이, man 맨, woman 우먼, friend 프렌드, family 패밀리, dream 드림, power 파워,
    energy 에너지, magic 매직, lucky 럭키, super 슈퍼, premium 프리미엄, special 스페셜,
    basic 베이직, plus 플러스, pro 프로, max 맥스, mini 미니, ultra 울트라, lite 라이트, air 에어,
    note 노트, pay 페이, talk 토크, kg 킬로그램, km 킬로미터, cm 센티미터, mm 밀리미터,
    ml 밀리리터, gb 기가바이트, mb 메가바이트, kbo 케이비오
"""
ENGLISH_WORDS: Mapping[str, str] = MappingProxyType(
    dict(entry.split() for entry in _WORDS.split(","))
)
#: What has digits or signs in it, or has its own reading in capitals.
ENGLISH_PHRASES: Mapping[str, str] = MappingProxyType(
    {
        "R&D": "알앤디", "Q&A": "큐앤에이", "M&A": "엠앤에이", "B&B": "비앤비", "F&B": "에프앤비",
        "A/S": "에이에스", "MP3": "엠피쓰리", "MP4": "엠피포", "3D": "쓰리디", "2D": "투디",
        "4D": "포디", "A4": "에이포", "A3": "에이쓰리", "B4": "비포", "B5": "비파이브",
        "B2B": "비투비", "B2C": "비투씨", "G7": "지세븐", "G20": "지이십", "H2O": "에이치투오",
        "CO2": "씨오투", "COVID-19": "코로나 일구", "코로나19": "코로나 일구", "K-POP": "케이팝",
        "KPOP": "케이팝", "K-pop": "케이팝", "X-ray": "엑스레이", "X-RAY": "엑스레이",
        "T-shirt": "티셔츠", "No.1": "넘버원", "SK하이닉스": "에스케이하이닉스", "OTT": "오티티",
        "U-20": "유 이십", "U-23": "유 이십삼", "PM2.5": "피엠 이 점 오", "Y2K": "와이투케이",
        "24/7": "이십사 시간 칠 일", "C++": "씨플러스플러스", "C#": "씨샵", "P2P": "피투피",
        "1st": "퍼스트", "2nd": "세컨드", "3rd": "서드", "4K": "포케이", "8K": "에이트케이",
        "2NE1": "투애니원", "T1": "티원", "7-Eleven": "세븐일레븐", "7-ELEVEN": "세븐일레븐",
        "5G": "오지", "4G": "포지", "U+": "유플러스",
    }
)  # fmt: skip
