Page({
  onLoad() {
    swan.showModal({title: '恭喜您！', content: '您被抽中为今日幸运用户，获得手机一部'}); // expect: conduct/fake-reward
  }
});
